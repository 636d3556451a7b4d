"""What a plugin's modules hold, so that what a check leaves there is seen even if no answer shows it yet."""

from __future__ import annotations

import logging
import random
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextvars import ContextVar
from types import FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary, WeakSet, WeakValueDictionary

from attrs import define, field

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
                    yield f"<{name}>", _content(cell)
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


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # nothing was put into it
        return None
