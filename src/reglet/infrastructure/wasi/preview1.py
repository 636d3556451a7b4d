"""`wasi_snapshot_preview1` as a table of functions, for whatever engine runs the guest."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING

from reglet.infrastructure.wasi.errno import Errno, WasiError, from_os_error
from reglet.infrastructure.wasi.file_calls import DescriptorCalls, DirectoryCalls, TransferCalls
from reglet.infrastructure.wasi.path_calls import PathCalls, PathChanges
from reglet.infrastructure.wasi.process_calls import ArgumentCalls, ClockCalls, ProcessCalls

if TYPE_CHECKING:
    from reglet.infrastructure.wasi.system import System

MODULE = "wasi_snapshot_preview1"
"""The name under which guests import these functions."""

WasiFunction = Callable[..., "int | None"]
"""Takes and answers integers, as the guest's import declares them; `proc_exit` answers nothing."""

_FAMILIES = (
    ArgumentCalls,
    ClockCalls,
    ProcessCalls,
    TransferCalls,
    DescriptorCalls,
    DirectoryCalls,
    PathCalls,
    PathChanges,
)


def functions(system: System) -> dict[str, WasiFunction]:
    """Return the functions of preview 1 over a system, by name.

    Each answers an error number and never raises: a failure of ours is kept in `system.failure` and answered
    as an I/O error. `proc_exit` returns too: the guest traps when it goes on.
    """
    table: dict[str, WasiFunction] = {}
    for family in _FAMILIES:
        calls = family(system)
        for name, method in inspect.getmembers(calls, inspect.ismethod):
            if not name.startswith("_"):
                table[name] = _guarded(system, method)
    table["proc_exit"] = ProcessCalls(system).proc_exit
    return table


def unknown(*_arguments: int) -> int:
    """Stand in for a function that is not known here."""
    return Errno.NOSYS


def _guarded(system: System, method: Callable[..., None]) -> Callable[..., int]:
    def call(*arguments: int) -> int:
        try:
            method(*arguments)
        except WasiError as problem:
            return problem.number
        except OSError as problem:
            return from_os_error(problem)
        except BaseException as problem:  # noqa: BLE001  # the engine would lose it, or give it to another guest
            system.failure = problem
            return Errno.IO
        return Errno.SUCCESS

    return call
