"""Preview 1 as imports of a module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import wasmtime

from reglet.infrastructure.wasi import MODULE, System, functions, unknown

if TYPE_CHECKING:
    from collections.abc import Iterable

_EXIT = "proc_exit"


def wasi_results(name: str) -> list[wasmtime.ValType]:
    """Return what a function of preview 1 gives: an error number, except for `proc_exit`."""
    return [] if name == _EXIT else [wasmtime.ValType.i32()]


def define_wasi(
    linker: wasmtime.Linker, wanted: Iterable[tuple[str, wasmtime.FuncType]], system: System
) -> None:
    """Define the functions that a module wants, over one guest's system; unknown ones answer NOSYS."""
    known = functions(system)
    for name, kind in wanted:
        linker.define_func(MODULE, name, kind, known.get(name, unknown))
