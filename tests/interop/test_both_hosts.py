"""The Go host and our sandbox, given the same answers: a plugin's Results are the same, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from reglet.infrastructure.wire.exports import RESULT
from reglet.sandbox import Sandbox
from tests.built_plugins import BuildSource
from tests.interop.every_function import ANSWERED, EVERY_FUNCTION, REFUSALS
from tests.interop.go_host import GoHost

pytestmark = pytest.mark.go

OF_THE_RUN = ("timestamp", "metadata")


class Canned:
    """Host functions that answer what they were given."""

    def __init__(self) -> None:
        self.answers: Mapping[str, Any] = {}

    def call(self, name: str, _request: bytes) -> bytes:
        """Return the answer of that name; nothing where there is none."""
        return json.dumps(self.answers[name]).encode() if name in self.answers else b""


@pytest.fixture(scope="module")
def canned() -> Canned:
    """Return host functions without answers."""
    return Canned()


@pytest.fixture(scope="module")
def sandbox(canned: Canned) -> Iterator[Sandbox]:
    """Return our sandbox over the canned host functions."""
    with Sandbox(functions=canned) as sandbox:
        yield sandbox


@pytest.fixture
def every_function(built_source: BuildSource) -> Path:
    """Return the built plugin."""
    return built_source(EVERY_FUNCTION)


def _lasting(result: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name not in OF_THE_RUN}


def _in_sandbox(sandbox: Sandbox, plugin: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    return _lasting(json.loads(RESULT.encode(sandbox.load(plugin).check(config))))


def _on_go(
    host: GoHost, plugin: Path, config: Mapping[str, Any], answers: Mapping[str, Any], *options: str
) -> dict[str, Any]:
    (answer,) = host.run(plugin, config, *options, answers=answers)["answers"]
    return _lasting(answer)


@pytest.mark.parametrize("operation", ANSWERED)
def test_answers_reach_the_result_alike(
    every_function: Path, go_host: GoHost, sandbox: Sandbox, canned: Canned, operation: str
) -> None:
    """On wazero in both dialects, on a fake clock, and in the sandbox, the Result is the same success."""
    target, function, answer = ANSWERED[operation]
    config = {"operation": operation, "target": target}
    canned.answers = {function: answer}

    ours = _in_sandbox(sandbox, every_function, config)
    theirs = [
        _on_go(go_host, every_function, config, canned.answers, *options)
        for options in ((), ("-dialect=hostlib",), ("-default-clock",))
    ]

    assert ours["status"] == "success"
    assert theirs == [ours] * 3


@pytest.mark.parametrize("refusal", REFUSALS)
def test_refusals_reach_the_result_alike(
    every_function: Path, go_host: GoHost, sandbox: Sandbox, canned: Canned, refusal: str
) -> None:
    """However a host says no, the error is the same on both."""
    config = {"operation": "tcp", "target": "example.com:443"}
    canned.answers = {"tcp_connect": REFUSALS[refusal]}

    ours = _in_sandbox(sandbox, every_function, config)

    assert ours["status"] == "error"
    assert _on_go(go_host, every_function, config, canned.answers) == ours


def test_no_answer_at_all(every_function: Path, go_host: GoHost, sandbox: Sandbox, canned: Canned) -> None:
    """A packed 0 is an error on both."""
    config = {"operation": "dns", "target": "example.com"}
    canned.answers = {}

    ours = _in_sandbox(sandbox, every_function, config)

    assert ours["status"] == "error"
    assert "the host gave no answer" in json.dumps(ours["error"])
    assert _on_go(go_host, every_function, config, {}) == ours


def test_the_dialect_is_found_and_remembered(every_function: Path, go_host: GoHost) -> None:
    """A host of the other dialect is asked once in ours; the same instance then goes on in its own."""
    target, function, answer = ANSWERED["smtp"]
    config = {"operation": "smtp", "target": target}

    report = go_host.run(every_function, config, "-dialect=hostlib", "-warm=2", answers={function: answer})

    assert [type(call["request"]["port"]) for call in report["calls"]] == [str, int, int, int]
