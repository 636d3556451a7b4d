"""Hosts with their ports as one text."""

from __future__ import annotations

import pytest

from reglet.domain.urls import PORTS, join_host_port


@pytest.mark.parametrize(
    ("host", "text"),
    [("h", "h:443"), ("10.0.0.1", "10.0.0.1:443"), ("::1", "[::1]:443"), ("[::1]", "[::1]:443")],
)
def test_an_ipv6_address_stands_in_brackets(host: str, text: str) -> None:
    """Whether it came with them or not."""
    assert join_host_port(host, 443) == text


def test_ports_begin_at_1_and_end_at_65535() -> None:
    """0 means none."""
    assert [port for port in (-1, 0, 1, 65535, 65536) if port in PORTS] == [1, 65535]
