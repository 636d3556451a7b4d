"""The guest's standard library answers as CPython does outside."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.interop.go_host import GoHost
from tests.tools.runtime.corpus import CALLS, PRELUDE
from tests.tools.runtime.guest_of_echo import SOURCE
from tests.tools.runtime.wasm_host import WasmHost
from tools.runtime.excluded import EXCLUDED_MODULES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ALL = {"do": "evaluate all", "calls": list(CALLS)}


@pytest.fixture(scope="session")
def library_plugin(snapshot_of: Callable[[str], bytes]) -> bytes:
    """A plugin that has imported what the calls need, and evaluates them."""
    return snapshot_of(PRELUDE + SOURCE)


@pytest.fixture(scope="session")
def answers(library_plugin: bytes) -> list[str]:
    """What the guest answers to every call, in one instance."""
    with closing(WasmHost(library_plugin)) as host:
        answered: list[str] = json.loads(host.observe(json.dumps(ALL).encode()))
    return answered


@pytest.fixture(scope="module")
def outside() -> dict[str, Any]:
    """The names that the calls use, outside."""
    names: dict[str, Any] = {}
    exec(PRELUDE, names)
    return names


def test_the_corpus_is_large_and_has_no_repeats() -> None:
    """Three hundred calls at least, each another."""
    assert len(set(CALLS)) == len(CALLS) >= 300


@pytest.mark.parametrize("place", range(len(CALLS)), ids=lambda place: CALLS[place][:60])
def test_the_guest_answers_as_cpython_does(answers: list[str], outside: dict[str, Any], place: int) -> None:
    """The same repr, whichever Python runs the tests."""
    assert answers[place] == repr(eval(CALLS[place], outside))


@pytest.mark.go
@pytest.mark.parametrize(
    "mode",
    [
        pytest.param((), id="compiled"),
        pytest.param(("-default-clock",), id="fake clocks"),
        pytest.param(("-interpreter",), id="interpreter", marks=pytest.mark.long),
    ],
)
def test_wazero_answers_the_same(
    answers: list[str], library_plugin: bytes, go_host: GoHost, tmp_path: Path, mode: tuple[str, ...]
) -> None:
    """The hosts' engine, compiling and interpreting, with real and fake clocks."""
    plugin = tmp_path / "plugin.wasm"
    plugin.write_bytes(library_plugin)
    report = go_host.run(plugin, ALL, *mode)
    assert report["answers"] == [answers]


@pytest.mark.parametrize("name", sorted(EXCLUDED_MODULES))
def test_left_out_modules_are_ordinarily_absent(host: WasmHost, name: str) -> None:
    """Importing one is a ModuleNotFoundError that names it."""
    request = {"do": "raise", "what": f"__import__({name!r})"}
    error = json.loads(host.observe(json.dumps(request).encode()))["error"]
    assert error["message"] == f"ModuleNotFoundError: No module named {name!r}"
