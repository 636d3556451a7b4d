"""Denials, timeouts and names that do not exist, in the words of every host, for every port."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from reglet.domain.context import Context
from reglet.domain.entities.records import CommandRequest, HTTPRequest
from reglet.domain.errors import (
    CapabilityError,
    DNSError,
    RegletError,
    TimeoutError,  # noqa: A004 - our own family
)
from reglet.domain.ports import CommandRunner, DNSResolver, HTTPClient, SMTPClient, TCPDialer
from reglet.infrastructure.guest.clients import host_clients
from tests.guest.hosts import ScriptedHost
from tests.patience import PATIENCE

SECOND = timedelta(seconds=1)
CALLS: Mapping[str, Callable[[Context], object]] = {
    "http": lambda ctx: ctx.client(HTTPClient).do(HTTPRequest("GET", "http://h:8080/", timeout=SECOND)),
    "dns": lambda ctx: ctx.client(DNSResolver).lookup_ns("h"),
    "tcp": lambda ctx: ctx.client(TCPDialer).dial_with_timeout("h:8080", SECOND),
    "smtp": lambda ctx: ctx.client(SMTPClient).connect("h", 8080, SECOND, use_tls=False, use_starttls=False),
    "exec": lambda ctx: ctx.client(CommandRunner).run(CommandRequest("/bin/x", timeout=SECOND)),
}
NETWORK = [port for port in CALLS if port != "exec"]
NEEDS = {"dns": "network:h:53", "exec": "exec:/bin/x"}


def bare(message: str) -> dict[str, Any]:
    """Return the answer of the Go host SDK that stands in place of a response."""
    return {"error": "VALIDATION_ERROR", "message": message, "code": 400}


def raised(port: str, answer: dict[str, Any]) -> RegletError:
    """Return what a call raises over a host that answers so."""
    with pytest.raises(RegletError) as caught:
        CALLS[port](Context(clients=host_clients(ScriptedHost(answer))))
    return caught.value


GUARDS = [
    {
        "error": {"code": "SSRF_BLOCKED", "message": "localhost/loopback addresses blocked"},
        "connected": False,
    },
    {
        "error": {"type": "SSRF_BLOCKED", "message": "private addresses blocked (RFC 1918)"},
        "connected": False,
    },
    {"error": {"code": "REQUEST_FAILED", "message": 'Get "http://h/": link-local addresses blocked'}},
    {
        "error": {
            "code": "TOO_MANY_REDIRECTS",
            "message": 'Get "/": SSRF protection blocked connection to 10.0.0.1:80: private addresses blocked (RFC 1918)',
        }
    },
    {"error": {"type": "internal", "message": "multicast addresses blocked"}},
    {"error": {"type": "network", "code": "", "message": "unspecified address blocked"}},
    {
        "error": {
            "type": "internal",
            "message": 'Get "http://h/": SSRF protection: destination IP 127.0.0.1 is private/reserved (requires '
            "network:outbound:private capability)",
        }
    },
    {
        "error": {
            "type": "ssrf_protection",
            "message": "SSRF protection: destination h resolves to private/reserved IP 10.0.0.1 (requires "
            "network:outbound:private capability)",
        }
    },
    {"error": "SSRF protection: destination IP 10.0.0.1 is private/reserved"},
]


@pytest.mark.parametrize("port", NETWORK)
@pytest.mark.parametrize("answer", GUARDS, ids=range(len(GUARDS)))
def test_an_address_that_a_guard_blocks_is_a_denial_that_says_what_each_host_wants(
    port: str, answer: dict[str, Any]
) -> None:
    """Whatever the code, the type and the words."""
    error = raised(port, answer)
    assert isinstance(error, CapabilityError)
    assert error.detail().type == "capability"
    assert error.required == NEEDS.get(port, "network:h:8080")
    assert 'port "*" or "0"' in str(error)
    assert "network:outbound:private" in str(error)
    assert "declare it" not in str(error)


LOST = "lookup h on 127.0.0.1:53: no such host"


@pytest.mark.parametrize("port", NETWORK)
@pytest.mark.parametrize(
    "error",
    [
        {"type": "internal", "message": f'Get "http://h/": SSRF protection: failed to resolve host: {LOST}'},
        {"code": "SSRF_BLOCKED", "message": f"DNS resolution failed: {LOST}"},
        {"type": "SSRF_BLOCKED", "message": f"DNS resolution failed: {LOST}"},
    ],
)
def test_a_name_that_a_guard_cannot_look_up_is_no_denial(port: str, error: dict[str, str]) -> None:
    """Though hosts say so with the words of one: the name does not exist."""
    found = raised(port, {"error": error})
    assert not isinstance(found, CapabilityError)
    assert found.concerns_target
    assert found.detail().type == "network"


@pytest.mark.parametrize("port", NETWORK)
def test_a_list_of_the_hosts_own_is_a_denial_that_no_grant_changes(port: str) -> None:
    """Neither port 0 nor `outbound:private` would help."""
    error = raised(port, {"error": {"code": "SSRF_BLOCKED", "message": "address in blocklist"}})
    assert isinstance(error, CapabilityError)
    assert "which no grant changes (address in blocklist)" in str(error)


@pytest.mark.parametrize("port", NETWORK)
def test_a_target_cannot_ask_for_a_grant(port: str) -> None:
    """What it says may stand in a host's message; the grant that is named is the call's own, if any."""
    said = "SMTP client creation failed: 554 exec capability denied: /bin/sh"
    assert not isinstance(raised(port, {"error": {"type": "internal", "message": said}}), CapabilityError)
    said = "unexpected: exec capability denied: /bin/sh"
    error = raised(port, {"error": {"type": "network", "message": said}})
    assert isinstance(error, CapabilityError)
    assert error.required == NEEDS.get(port, "network:h:8080")


@pytest.mark.parametrize("port", CALLS)
@pytest.mark.parametrize(
    ("answer", "required"),
    [
        (bare("no capabilities granted: h:8080"), None),
        (
            {
                "error": {
                    "type": "capability",
                    "message": "permission denied: no capabilities granted to plugin p",
                }
            },
            None,
        ),
        ({"error": {"type": "internal", "message": "no capabilities granted to plugin p"}}, None),
        (bare("network capability denied: other:1"), "network:other:1"),
        (bare("exec capability denied: /bin/other"), "exec:/bin/other"),
        (bare("filesystem capability denied: /etc/passwd"), "fs:/etc/passwd"),
        (bare("environment capability denied: HOME"), "env:HOME"),
        (bare("shell requires 'exec:/bin/other' capability"), "exec:/bin/other"),
        (
            {
                "error": {
                    "type": "capability",
                    "message": "interpreter code execution requires 'exec:python' capability (prevents arbitrary "
                    "code execution)",
                }
            },
            "exec:python",
        ),
        (bare('capability denied: plugin "p" requires exec:/bin/other'), "exec:/bin/other"),
        (
            {
                "error": {
                    "type": "capability",
                    "message": "permission denied: capability denied: network:outbound:1",
                }
            },
            None,
        ),
        ({"error": {"type": "capability", "code": "network:other:1", "message": "m"}}, "network:other:1"),
        ({"error": {"type": "CAPABILITY", "message": "no"}}, None),
    ],
)
def test_a_denial_names_the_grant_in_the_words_of_every_host(
    port: str, answer: dict[str, Any], required: str | None
) -> None:
    """What the host names, else what the call needs."""
    error = raised(port, answer)
    assert isinstance(error, CapabilityError)
    assert error.required == (required or NEEDS.get(port, "network:h:8080"))
    assert "declare it in the plugin's" in str(error)


def shapes(code: str) -> list[dict[str, Any]]:
    """Return an error with a code as the three dialects write it."""
    return [
        {"error": {"code": code, "message": "m"}},
        {"error": {"type": code, "message": "m"}},
        {"error": {"type": code, "code": "", "message": "m"}},
        {"error": code, "message": "m", "code": 500},
    ]


@pytest.mark.parametrize("port", CALLS)
@pytest.mark.parametrize(
    "answer",
    [
        *shapes("TIMEOUT"),
        {"error": {"type": "timeout", "message": "m"}},
        {"error": {"type": "network", "message": "m", "is_timeout": True}},
        {"error": {"type": "internal", "message": "dial tcp 192.0.2.1:80: i/o timeout"}},
        {"error": {"type": "internal", "message": 'Get "http://h/": context deadline exceeded'}},
        {"error": {"type": "internal", "message": 'Get "https://h/": net/http: TLS handshake timeout'}},
        {"error": {"type": "internal", "message": "dial tcp 192.0.2.1:80: connect: operation timed out"}},
        {"error": {"code": "CONNECTION_FAILED", "message": "dial tcp: connect: connection timed out"}},
        {"error": {"code": "LOOKUP_FAILED", "message": "lookup h on 192.0.2.1:53: i/o timeout"}},
        {"error": {"type": "READ_BANNER_FAILED", "message": "read tcp 192.0.2.1:25: i/o timeout"}},
        {"error": {"code": "SSRF_BLOCKED", "message": "DNS resolution failed: lookup h: i/o timeout"}},
        {"error": {"type": "network", "message": "m", "wrapped": {"type": "TIMEOUT", "message": "m"}}},
    ],
)
def test_a_timeout_is_one_in_every_dialect(port: str, answer: dict[str, Any]) -> None:
    """By code, by type, by flag, or in Go's own words."""
    error = raised(port, answer)
    assert isinstance(error, TimeoutError)
    assert error.detail().type == "timeout"


@pytest.mark.parametrize("port", NETWORK)
@pytest.mark.parametrize(
    "answer",
    [
        *shapes("HOST_NOT_FOUND"),
        {"error": {"type": "network", "message": "m", "is_not_found": True}},
        {"error": {"type": "LOOKUP_FAILED", "message": "lookup h: no such host"}},
        {"error": {"type": "internal", "message": "dial tcp: lookup h on 1.1.1.1:53: no such host"}},
        {"error": {"code": "TIMEOUT", "message": 'Get "http://timeout.h/": dial tcp: lookup: no such host'}},
        {"error": {"code": "host_not_found", "message": "m"}},
        {"error": {"type": "network", "message": "m", "wrapped": {"code": "HOST_NOT_FOUND"}}},
    ],
)
def test_a_name_that_does_not_exist_is_not_found_in_every_dialect(port: str, answer: dict[str, Any]) -> None:
    """What the host said goes along, with its flag."""
    error = raised(port, answer)
    wrapped = error.detail().wrapped
    assert wrapped is not None
    assert (wrapped.type, wrapped.is_not_found) == ("network", True)
    assert not isinstance(error, DNSError) or error.is_not_found


@pytest.mark.parametrize("port", NETWORK)
@pytest.mark.parametrize(
    "answer",
    [
        *shapes("CONNECTION_REFUSED"),
        {"error": {"type": "internal", "message": "dial tcp 127.0.0.1:1: connect: connection refused"}},
        {"error": {"type": "internal", "message": "connectex: the target machine actively refused it."}},
        {"error": {"code": "TIMEOUT", "message": 'Get "http://timeout.h/": connect: connection refused'}},
        {"error": {"type": "TOO_MANY_REDIRECTS", "message": 'Get "http://h/redirect": connection refused'}},
    ],
)
def test_a_refused_connection_is_of_type_network_in_every_dialect(port: str, answer: dict[str, Any]) -> None:
    """With the code by which hosts know it."""
    wrapped = raised(port, answer).detail().wrapped
    assert wrapped is not None
    assert (wrapped.type, wrapped.code) == ("network", "CONNECTION_REFUSED")


@pytest.mark.parametrize(
    "text", ["a" * 2**20, "a capability denied:" * 2**16, "requires '" * 2**17, "; " * 2**19]
)
def test_a_long_text_of_a_host_is_cut_and_costs_nothing(text: str) -> None:
    """Whatever it repeats: it was hours when a pattern was looked for in it."""
    began = time.monotonic()
    error = raised("http", {"error": {"type": "internal", "message": text}})
    assert time.monotonic() - began < PATIENCE
    assert len(str(error)) < 20_000


def test_a_timeout_names_one_duration() -> None:
    """The call's own, unless the host gave up before; a call without a limit of its own names the host's."""
    for waited, told in (("990.5ms", "1s"), ("400.2ms", "400ms"), ("1.5s", "1.5s")):
        message = f"http request timeout after {waited} (target: http://h/)"
        said = {"error": {"type": "timeout", "message": message}}
        assert str(raised("http", said)) == f"http GET timeout after {told} (target: http://h:8080/)"
    message = "dns lookup timeout after 10s (target: h (NS))"
    assert (
        str(raised("dns", {"error": {"type": "network", "message": message}}))
        == "dns NS timeout after 10s (target: h)"
    )
    message = "http GET http://h:8080/ failed: dns lookup for h (A) failed: no nameserver answers (timeout after 9s)"
    said = {"error": {"type": "timeout", "message": message}}
    assert str(raised("http", said)) == message
    assert raised("http", said).is_timeout
    assert (
        str(raised("dns", {"error": {"code": "TIMEOUT", "message": "late"}}))
        == "dns NS timeout (target: h: late)"
    )
