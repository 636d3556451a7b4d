"""The `dylink.0` section: what a shared library needs (WebAssembly tool conventions, DynamicLinking.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from reglet.infrastructure.module.errors import ModuleFormatError
from reglet.infrastructure.module.reader import Reader

if TYPE_CHECKING:
    from reglet.infrastructure.module.parse import Module

_SECTION = "dylink.0"
_MEMORY_INFO = 1
_NEEDED = 2


@frozen
class Dylink:
    """How much memory (bytes) and how many table entries a library takes, and which libraries it needs."""

    memory_size: int
    memory_alignment: int
    table_size: int
    needed: tuple[str, ...]


def read_dylink(module: Module) -> Dylink:
    """Read the first section of a shared library.

    Raises:
        ModuleFormatError: the module is not a shared library, or its table must be aligned.
    """
    if not module.custom or module.custom[0].name != _SECTION:
        raise ModuleFormatError(f"not a shared library: no {_SECTION} section", 0)
    section = module.custom[0]
    memory = (0, 0, 0, 0)
    needed: tuple[str, ...] = ()
    for kind, part in Reader(module.data, section.start, section.end).parts():
        if kind == _MEMORY_INFO:
            memory = (part.u32(), part.u32(), part.u32(), part.u32())
        elif kind == _NEEDED:
            needed = part.vector(Reader.name)
    size, alignment, table_size, table_alignment = memory
    if table_alignment:
        raise ModuleFormatError(
            f"a table aligned to 2**{table_alignment} entries is not understood", section.start
        )
    return Dylink(size, 1 << alignment, table_size, needed)
