"""What profiles ask of this plugin's data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address
from typing import Any

import pytest

from reglet import Plugin
from reglet.testing import FakeHost

ADDRESS: dict[str, Callable[[Mapping[str, Any]], object]] = {
    "data.record_count > 0": lambda data: data["record_count"] > 0,
    "data.record_count >= 0": lambda data: data["record_count"] >= 0,
    "isIPv4(data.records[0])": lambda data: IPv4Address(data["records"][0]),
    "data.query_time_ms < 60000": lambda data: data["query_time_ms"] < 60000,
}
NAME: dict[str, Callable[[Mapping[str, Any]], object]] = {
    'data.records[0] contains "github.com"': lambda data: "github.com" in data["records"][0],
}


def data(plugin: Plugin, record_type: str) -> Mapping[str, Any]:
    """Return what the plugin answers."""
    host = FakeHost.of(plugin)
    host.dns.on("www.github.com", "A").respond("140.82.121.4")
    host.dns.on("www.github.com", "CNAME").respond("github.com.")
    result = host.check(plugin, {"hostname": "www.github.com", "record_type": record_type})
    assert result.data is not None
    return result.data


@pytest.mark.parametrize("expression", ADDRESS)
def test_a_profile_finds_the_fields_of_an_address(plugin: Plugin, expression: str) -> None:
    """Missing fields would make the control an error."""
    assert ADDRESS[expression](data(plugin, "A"))


@pytest.mark.parametrize("expression", NAME)
def test_a_profile_finds_the_fields_of_a_name(plugin: Plugin, expression: str) -> None:
    """A canonical name is a record like others."""
    assert NAME[expression](data(plugin, "CNAME"))
