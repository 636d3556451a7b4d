"""What a check leaves in its module is seen, wherever it leaves it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from reglet.testing.conformance.hosts import ConstantHost
from reglet.testing.reuse import ReusedInstanceError, ReusingRunner, changes, state_of
from reglet.testing.runners import InProcessRunner

SOURCE = """
import collections, contextvars, functools, itertools, logging, random, re
from urllib.parse import urlsplit

import reglet

plugin = reglet.define_plugin(name="p", version="1.0.0", description="d")
ITEMS, TABLE, NAMES, RECENT = [], {{}}, set(), collections.deque(maxlen=3)
COUNTS, NUMBERS, BYTES, LAST = collections.Counter(), itertools.count(), bytearray(), None
CURRENT = contextvars.ContextVar("current", default="")
log = logging.getLogger("p")


@functools.lru_cache
def cached(name):
    return name


def counter():
    count = 0

    def add():
        nonlocal count
        count += 1

    return add


add = counter()


def keep(name, kept=[]):
    kept.append(name)


class Keeper:
    kept = 0

    def __init__(self):
        self.names = []


class Slotted:
    __slots__ = ("name",)


KEEPER, SLOTTED = Keeper(), Slotted()


@reglet.model
class Output:
    name: str = ""


@plugin.service("s")
class Service:
    @reglet.operation(description="d")
    def op(self) -> Output:
        global LAST
        {body}
        return Output()
"""


@pytest.fixture
def module() -> Iterator[ModuleType]:
    """Return a module for a plugin."""
    module = ModuleType("a_plugin_with_state")
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ("ITEMS.append(1)", "ITEMS: list of 0 before the check, list of 1"),
        ("TABLE['a'] = 1", "TABLE: dict of 0"),
        ("NAMES.add('a')", "NAMES: set []"),
        ("RECENT.append(1)", "RECENT: deque of 0"),
        ("COUNTS['a'] += 1", "COUNTS: Counter of 0"),
        ("next(NUMBERS)", "NUMBERS: count(0)"),
        ("BYTES.extend(b'a')", "BYTES: bytearray of 0"),
        ("LAST = 'a'", "LAST: None before the check, 'a'"),
        ("CURRENT.set('a')", "CURRENT: None before the check, 'a'"),
        ("cached('a')", "cached: 0 kept calls before the check, 1 kept calls"),
        ("add()", "add<count>: 0 before the check, 1"),
        ("keep('a')", "keep(0): list of 0"),
        ("keep.seen = 1", "keep: dict of 0"),
        ("Keeper.kept += 1", "Keeper.kept: 0"),
        ("KEEPER.names.append(1)", "KEEPER.names: list of 0"),
        ("KEEPER.last = 1", "KEEPER.last: nothing"),
        ("SLOTTED.name = 'a'", "SLOTTED.name: None"),
        ("self.name = 'a'", "Service.name: nothing"),
        ("type(self).name = 'a'", "Service.name: nothing"),
    ],
)
def test_what_a_check_changes_in_its_module_is_found(module: ModuleType, body: str, where: str) -> None:
    """Although it answers the same again: another config may not."""
    exec(SOURCE.format(body=body), vars(module))
    runner = ReusingRunner(InProcessRunner(module.plugin))
    with pytest.raises(ReusedInstanceError, match="changes what its module holds") as caught:
        runner.check(ConstantHost(b"{}"), b"{}")
    assert where in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        "pass",
        "re.sub('a+b', '', 'aab')",
        "log.warning('a'); log.setLevel(10)",
        "random.random()",
        "urlsplit('http://h/')",
        "items = []; items.append(1)",
        "Keeper().names.append(1)",
        "CURRENT.reset(CURRENT.set('a'))",
    ],
)
def test_what_is_of_this_check_alone_is_no_state(module: ModuleType, body: str) -> None:
    """Nor what the standard library keeps for itself."""
    exec(SOURCE.format(body=body), vars(module))
    runner = ReusingRunner(InProcessRunner(module.plugin))
    assert runner.check(ConstantHost(b"{}"), b"{}").is_success


def test_a_list_that_contains_itself_is_walked_once(module: ModuleType) -> None:
    """And of a container that grew nothing else is told."""
    exec(SOURCE.format(body="pass"), vars(module))
    module.ITEMS.append(module.ITEMS)
    before = state_of(module.plugin)
    module.ITEMS += [1, 2]
    assert changes(before, state_of(module.plugin)) == [
        "a_plugin_with_state.ITEMS: list of 1 before the check, list of 3 after it"
    ]
