"""Checks in an instance that has run one before: what the first leaves there, and what the next makes of it.

What a plugin's modules hold is looked at too: there it is seen even if no answer shows it yet.
"""

from __future__ import annotations

import logging
import random
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from contextvars import ContextVar
from types import FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary, WeakSet, WeakValueDictionary

from attrs import define, field

from reglet.domain.entities.result import Result
from reglet.domain.ports import LOG_FUNCTION, HostFunctions
from reglet.testing.assertions import error_text, verify_output
from reglet.testing.runners import Clock, DifferenceError, InProcessRunner, Runner, SandboxRunner

_SCALARS = (type(None), bool, int, float, complex, str, bytes)
_NOBODYS = (
    ModuleType,
    re.Pattern,
    logging.Logger,
    logging.Handler,
    random.Random,
    WeakKeyDictionary,
    WeakSet,
    WeakValueDictionary,
)
"""What changes without a check's doing, or without being seen in the next."""

_MOST_SHOWN = 60
_MOST_VALUES = 100_000


def modules_of(plugin: Any) -> list[ModuleType]:
    """Return the modules of the packages in which a plugin's handlers are."""
    handlers = [operation.handler for operation in getattr(plugin, "operations", ())]
    packages = {str(handler.__module__).partition(".")[0] for handler in handlers}
    return [module for name, module in list(sys.modules.items()) if name.partition(".")[0] in packages]


def state_of(plugin: Any) -> dict[str, str]:
    """Return what a plugin's modules and services hold, by where it is: `plugin.SEEN` to `list of 2`."""
    modules = modules_of(plugin)
    walk = _Walk({module.__name__ for module in modules})
    for module in modules:
        for name, value in list(vars(module).items()):
            if not name.startswith("__"):
                walk.visit(f"{module.__name__}.{name}", value)
    for operation in getattr(plugin, "operations", ()):
        service = getattr(operation.handler, "__self__", None)
        walk.visit(type(service).__name__, service)
    return walk.found


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return a line for each place that holds something else; of a container that grew, its own alone."""
    lines: dict[str, str] = {}
    for place in (*before, *(each for each in after if each not in before)):
        one, other = before.get(place), after.get(place)
        outer = any(place.startswith((f"{each}.", f"{each}[")) for each in lines)
        if one != other and not outer:
            lines[place] = f"{place}: {one or 'nothing'} before the check, {other or 'nothing'} after it"
    return list(lines.values())


@define
class _Walk:
    """Visits values, each once; only what the plugin's own modules define is looked into as an object."""

    modules: set[str]
    found: dict[str, str] = field(factory=dict)
    _seen: dict[int, Any] = field(factory=dict)

    def visit(self, place: str, start: Any) -> None:
        """Note a value and what is in it."""
        pending = [(place, start)]
        while pending and len(self.found) < _MOST_VALUES:
            where, value = pending.pop()
            if isinstance(value, _SCALARS):
                self.found[where] = repr(value)[:_MOST_SHOWN]
            elif id(value) not in self._seen and not isinstance(value, _NOBODYS):
                self._seen[id(value)] = value  # kept, so that no other value gets its id
                self.found[where] = self._shown(value)
                pending += ((f"{where}{step}", each) for step, each in self._within(value))

    def _shown(self, value: Any) -> str:
        if self._keeps_calls(value):
            return f"{value.cache_info().currsize} kept calls"
        if isinstance(value, AbstractSet):
            return f"{type(value).__name__} {sorted(map(repr, value))}"[:_MOST_SHOWN]
        if isinstance(value, (Mapping, list, tuple, bytearray)) or hasattr(value, "maxlen"):
            return f"{type(value).__name__} of {len(value)}"
        if type(value).__module__ in ("itertools", "datetime", "decimal"):
            return repr(value)[:_MOST_SHOWN]
        return f"a {type(value).__name__}"

    def _within(self, value: Any) -> Iterable[tuple[str, Any]]:
        """Return the steps into a value: items, attributes, what a function was made with."""
        if isinstance(value, Mapping):
            return [(f"[{key!r}]"[:_MOST_SHOWN], each) for key, each in list(value.items())]
        if isinstance(value, (list, tuple)) or hasattr(value, "maxlen"):
            return [(f"[{index}]", each) for index, each in enumerate(list(value))]
        if isinstance(value, ContextVar):
            return [("", value.get(None))]
        if isinstance(value, MethodType):
            return [("", value.__self__), ("", value.__func__)]
        return self._attributes(value)

    def _attributes(self, value: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(value, (staticmethod, classmethod)) or self._keeps_calls(value):
            yield "()", value.__wrapped__
        elif isinstance(value, FunctionType):
            if value.__module__ in self.modules:
                yield from ((f"({index})", each) for index, each in enumerate(value.__defaults__ or ()))
                yield "()", value.__kwdefaults__ or MappingProxyType({})
                yield "", vars(value)
                for name, cell in zip(value.__code__.co_freevars, value.__closure__ or (), strict=True):
                    with suppress(ValueError):  # nothing was put into it
                        yield f"<{name}>", cell.cell_contents
        elif isinstance(value, type):
            if value.__module__ in self.modules:
                yield from self._named(vars(value))
        elif type(value).__module__ in self.modules:
            yield from self._named(getattr(value, "__dict__", {}))
            slots = [name for cls in type(value).__mro__ for name in getattr(cls, "__slots__", ())]
            yield from self._named({name: getattr(value, name, None) for name in slots if name[:2] != "__"})

    def _keeps_calls(self, value: Any) -> bool:
        """Report whether a value is a function of the plugin with a cache, as `functools.cache` makes it."""
        return hasattr(value, "cache_info") and getattr(value, "__module__", None) in self.modules

    @staticmethod
    def _named(attributes: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        return (
            (f".{name}", each)
            for name, each in list(attributes.items())
            if not name.startswith(("__", "_abc_"))
        )


class ReusedInstanceError(DifferenceError):
    """A check in an instance that ran one before answers otherwise; the message has the differences."""


_DURATION = re.compile(r"\b\d[\d.]*(ns|µs|ms|s)\b")
"""A figure of time in a message."""


class ReusingRunner:
    """Runs each check again where one has run before, with the same answers, and compares.

    Some hosts keep an instance for further checks: what a check leaves in its module is there in the next.
    Figures of time (`…_ms`, `…_ns`, `…_seconds`) are not compared. In this process what the plugin's modules
    hold is compared too, which the answer to another config may depend on.
    """

    def __init__(self, runner: Runner) -> None:
        """Run checks by `runner`."""
        self._runner = runner

    def check(self, functions: HostFunctions, config: bytes, *, clock: Clock | None = None) -> Result:
        """Run a check and return its Result. Raises `ReusedInstanceError` where a further one differs."""
        __tracebackhide__ = True
        answered = _AnsweredCalls(functions)
        plugin = self._runner.plugin if isinstance(self._runner, InProcessRunner) else None
        before = state_of(plugin)
        first = self._runner.check(answered, config, clock=clock)
        left = changes(before, state_of(plugin))
        kept = {"fresh": False} if isinstance(self._runner, SandboxRunner) else {}
        for _ in range(2):
            repeated = _RepeatedCalls(answered.calls)
            again = self._runner.check(repeated, config, clock=clock, **kept)
            one, other = (
                {
                    "status": str(result.status),
                    "message": _DURATION.sub("…", result.message),
                    "error": _DURATION.sub("…", error_text(result)) if result.error else "",
                    "data": dict(result.data or {}),
                }
                for result in (first, again)
            )
            differences = [
                *repeated.differences(),
                *(
                    line
                    for line in verify_output(one, other) or verify_output(other, one)
                    if not line.partition(":")[0].endswith(("_ms", "_ns", "_seconds"))
                ),
            ]
            if differences:
                lines = "\n".join(f"  {line}" for line in differences)
                raise ReusedInstanceError(
                    f"a second check in the same instance answers otherwise; keep state in the handler, "
                    f"not in the module:\n{lines}"
                )
        if left:
            raise ReusedInstanceError(
                "a check changes what its module holds, which the next one in the same instance meets; keep "
                "state in the handler:\n" + "\n".join(f"  {line}" for line in left)
            )
        return first


class _AnsweredCalls:
    """Host functions that pass on to others and keep what was answered."""

    def __init__(self, functions: HostFunctions) -> None:
        self._functions = functions
        self.calls: list[tuple[str, bytes]] = []

    def call(self, name: str, request: bytes) -> bytes:
        answer = self._functions.call(name, request)
        if name != LOG_FUNCTION:
            self.calls.append((name, answer))
        return answer


class _RepeatedCalls:
    """Host functions that answer as before."""

    def __init__(self, calls: list[tuple[str, bytes]]) -> None:
        self._calls = calls
        self._made: list[str] = []

    def call(self, name: str, request: bytes) -> bytes:
        del request
        if name == LOG_FUNCTION:
            return b""
        self._made.append(name)
        index = len(self._made) - 1
        if index < len(self._calls) and self._calls[index][0] == name:
            return self._calls[index][1]
        return b'{"error": {"type": "internal", "message": "another call"}}'

    def differences(self) -> list[str]:
        """Return what differs in the host calls."""
        before = [name for name, _ in self._calls]
        return [] if before == self._made else [f"host calls: expected {before}, got {self._made}"]
