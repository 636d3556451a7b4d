"""What profiles ask of this plugin's data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from reglet import Plugin
from reglet.testing import FakeHost

EXPRESSIONS: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    "data.status_code == 200": lambda data: data["status_code"] == 200,
    "data.status_code >= 200 && data.status_code < 400": lambda data: 200 <= data["status_code"] < 400,
    "data.body_size > 0": lambda data: data["body_size"] > 0,
    'data.body contains "{"': lambda data: "{" in data["body"],
    'data.protocol == "HTTP/1.1" || data.protocol == "HTTP/2.0"': lambda data: (
        data["protocol"] in {"HTTP/1.1", "HTTP/2.0"}
    ),
    "data.response_time_ms < 60000": lambda data: data["response_time_ms"] < 60000,
    "!data.expectation_failed": lambda data: not data["expectation_failed"],
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_profile_finds_its_field(plugin: Plugin, fake_host: FakeHost, expression: str) -> None:
    """Missing fields would make the control an error."""
    fake_host.http.on("https://example.com/").respond(json={"up": True})
    result = fake_host.check(plugin, {"url": "https://example.com/"})
    assert result.data is not None
    assert EXPRESSIONS[expression](result.data)
