"""Stage 1, read: the bytes of a shared library become a record of what it has and needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from reglet.domain.errors import RegletError
from reglet.infrastructure.wasm import ModuleFormatError
from reglet.infrastructure.wasm.sections import ExternKind
from tools.runtime.linker.module import CoreModule, Dylink, function_names, parse_module, read_dylink

if TYPE_CHECKING:
    from collections.abc import Mapping


class LinkError(RegletError):
    """The libraries do not fit together, or one uses what the linker does not understand."""


@frozen
class Library:
    """A shared library: `name` is the one that others need it by."""

    name: str
    module: CoreModule = field(repr=False)
    dylink: Dylink
    function_names: Mapping[int, str] = field(repr=False)


def read_library(name: str, data: bytes) -> Library:
    """Read a shared library.

    Raises:
        LinkError: the bytes are no shared library that can be linked; it has the offset and the reason.
    """
    try:
        module = parse_module(data)
        library = Library(name, module, read_dylink(module), function_names(module))
    except ModuleFormatError as error:
        raise LinkError(f"{name}: {error}") from error
    _check(library)
    return library


def _check(library: Library) -> None:
    module = library.module
    for imported in module.imports:
        shared = imported.kind in (ExternKind.MEMORY, ExternKind.TABLE)
        if shared and (imported.module, imported.name) not in (
            ("env", "memory"),
            ("env", "__indirect_function_table"),
        ):
            raise LinkError(
                f"{library.name}: imports a second {imported.kind.name.lower()}, {imported.name!r}"
            )
    if module.memories or module.tables:
        raise LinkError(f"{library.name}: has a memory or a table of its own; a shared library imports them")
    if any(each.type.mutable for each in module.globals):
        raise LinkError(f"{library.name}: has a global that can be set; only the stack pointer may be")
