"""What profiles ask of this plugin's data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from reglet import Plugin
from reglet.testing import FakeHost

EXPRESSIONS: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    "data.exit_code == 0": lambda data: data["exit_code"] == 0,
    'data.stdout contains "hello"': lambda data: "hello" in data["stdout"],
    'data.stdout != ""': lambda data: data["stdout"] != "",
    "data.duration_ms < 60000": lambda data: data["duration_ms"] < 60000,
    "!data.expectation_failed": lambda data: not data["expectation_failed"],
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_profile_finds_its_field(plugin: Plugin, fake_host: FakeHost, expression: str) -> None:
    """Missing fields would make the control an error."""
    fake_host.command.on("/bin/sh").respond("hello\n")
    result = fake_host.check(plugin, {"run": "echo hello"})
    assert result.data is not None
    assert EXPRESSIONS[expression](result.data)
