"""The runtime that a release made: CPython and the adapter as one module, and the standard library."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from reglet.domain.errors import RegletError
from reglet.infrastructure.wasm.signatures import HostFunctionSlot, Signatures

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet


PRODUCT_FOLDER = Path(__file__).with_name("product")
"""Where the product lies in an installed package."""

MODULE_FILE = "runtime.wasm"
STANDARD_LIBRARY_FILE = "stdlib.zip"
DESCRIPTION_FILE = "runtime.json"


class RuntimeProductError(RegletError):
    """The runtime is not there, or not whole."""


@frozen(eq=False, repr=False)
class RuntimeModule:
    """The module that guests are started of.

    Attributes:
        wasm: The module, with the exports that a build calls.
        heap_base: The address at which dlmalloc's heap begins.
        stack_size: Bytes of stack, which begins at address 0.
        room: Addresses that are left to the host: there it may put what it hands to a guest, which the guest
            reads before it does anything else.
        constructors: The exports to call first, in this order, before `_python_initialize`.
        host_functions: The host functions that a build may leave out, by name.
        signatures: What it imports and exports.
        startup: Where the code section has functions that nothing calls once the interpreter has started, as
            (start, end) in bytes from its contents' start.
        optional: By the built-in modules that a part of CPython is for, where it has the functions that only
            they lead to, likewise. A plugin that imports none of these modules does without them.
    """

    wasm: bytes
    heap_base: int
    stack_size: int
    room: range
    constructors: tuple[str, ...]
    host_functions: Mapping[str, HostFunctionSlot]
    signatures: Signatures
    startup: tuple[tuple[int, int], ...]
    optional: Mapping[tuple[str, ...], tuple[tuple[int, int], ...]]

    def left_out(self, unused: AbstractSet[str] = frozenset()) -> Iterator[tuple[int, int]]:
        """Return where the functions are that a plugin without these modules leaves out."""
        parts = (functions for modules, functions in self.optional.items() if unused >= set(modules))
        return chain(self.startup, *parts)


@frozen(eq=False, repr=False)
class RuntimeProduct:
    """The runtime module and the standard library.

    Attributes:
        module: The runtime module.
        stdlib: A zip of the standard library, compiled: `python/json/__init__.pyc` and so on.
        key: A digest of both, for the names of what is derived from them.
        plugin_exports: The functions that a plugin exports, beside its memory.
        builtin_modules: The built-in modules that the interpreter has.
        components: What it is made of, by name: a version or a digest.
    """

    module: RuntimeModule
    stdlib: Path
    key: str
    plugin_exports: tuple[str, ...]
    builtin_modules: tuple[str, ...]
    components: Mapping[str, str]


@cache
def load_product(folder: Path = PRODUCT_FOLDER) -> RuntimeProduct:
    """Read the product and check its module's digest.

    Raises:
        RuntimeProductError: it was not made, or a file of it was changed; the message says how to make it.
    """
    module, description = _read(folder)
    if hashlib.sha256(module).hexdigest() != description["sha256"][MODULE_FILE]:
        raise RuntimeProductError(
            f"{folder / MODULE_FILE} was changed since it was made; make it again: make runtime"
        )
    try:
        return RuntimeProduct(
            module=RuntimeModule(
                wasm=module,
                heap_base=description["heap_base"],
                stack_size=description["stack_size"],
                room=range(*description["room"]),
                constructors=tuple(description["constructors"]),
                host_functions={
                    name: HostFunctionSlot(**slot) for name, slot in description["host_functions"].items()
                },
                signatures=Signatures.of_json(description["signatures"]),
                startup=_entries(description["startup"]),
                optional={
                    tuple(part["modules"]): _entries(part["functions"]) for part in description["optional"]
                },
            ),
            stdlib=folder / STANDARD_LIBRARY_FILE,
            key=description["key"],
            plugin_exports=tuple(description["plugin_exports"]),
            builtin_modules=tuple(description["builtin_modules"]),
            components=description["components"],
        )
    except KeyError as error:
        raise RuntimeProductError(
            f"the runtime in {folder} is of another release (no {error}); make it again: make runtime"
        ) from error


def made_by(folder: Path) -> str:
    """Return the digest of the code that made the product in `folder`.

    Raises:
        RuntimeProductError: it was not made.
    """
    return str(_read(folder)[1]["components"]["maker"])


def _read(folder: Path) -> tuple[bytes, dict[str, Any]]:
    try:
        return (folder / MODULE_FILE).read_bytes(), json.loads((folder / DESCRIPTION_FILE).read_bytes())
    except (OSError, ValueError) as error:
        raise RuntimeProductError(
            f"the runtime is not in {folder} ({error}); reinstall reglet, or in a clone run: make runtime"
        ) from error


def _entries(written: list[list[int]]) -> tuple[tuple[int, int], ...]:
    return tuple((start, end) for start, end in written)
