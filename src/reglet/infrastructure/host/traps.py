"""Why a guest ended, in words."""

from __future__ import annotations

import wasmtime
from wasmtime import TrapCode

_WORDS = {
    TrapCode.STACK_OVERFLOW: "its calls are nested too deeply (call stack exhausted)",
    TrapCode.MEMORY_OUT_OF_BOUNDS: "it used memory that it does not have (out of bounds)",
    TrapCode.UNREACHABLE: "it gave up (unreachable was executed)",
    TrapCode.OUT_OF_FUEL: "its fuel is used up",
}


def reason_of(problem: Exception) -> str:
    """Return what wasmtime says, without its backtrace."""
    code = problem.trap_code if isinstance(problem, wasmtime.Trap) else None
    if code in _WORDS:
        return _WORDS[code]
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
    return lines[-1].removeprefix("wasm trap: ") if lines else type(problem).__name__


def is_out_of_fuel(problem: Exception) -> bool:
    """Whether a guest was stopped for want of fuel."""
    return isinstance(problem, wasmtime.Trap) and problem.trap_code is TrapCode.OUT_OF_FUEL
