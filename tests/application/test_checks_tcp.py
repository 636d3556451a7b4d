"""Checking a port."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from types import TracebackType
from typing import Any, Self

import pytest
from attrs import define

from reglet.application.checks import run_tcp_check
from reglet.domain.context import Context
from reglet.domain.entities.records import ObservedConnection
from reglet.domain.entities.result import Result
from reglet.domain.errors import CapabilityError, MissingClientError, RegletError, TCPError


@define
class Connection:
    """What a connection told."""

    is_connected: bool = True
    remote_addr: str = ""
    local_addr: str = ""
    is_tls: bool = False
    tls_version: str = ""
    tls_cipher_suite: str = ""
    tls_server_name: str = ""
    tls_cert_subject: str = ""
    tls_cert_issuer: str = ""
    tls_cert_not_after: datetime | None = None
    closed: bool = False

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Dialer:
    """Gives the connection it was given, or raises the error."""

    def __init__(self, answer: Connection | RegletError) -> None:
        self.answer = answer
        self.dialled: list[tuple[str, timedelta, bool]] = []

    def dial(self, address: str) -> Connection:
        return self.dial_secure(address, timedelta(), tls=False)

    def dial_with_timeout(self, address: str, timeout: timedelta) -> Connection:
        return self.dial_secure(address, timeout, tls=False)

    def dial_secure(self, address: str, timeout: timedelta, tls: bool) -> Connection:
        self.dialled.append((address, timeout, tls))
        if isinstance(self.answer, RegletError):
            raise self.answer
        return self.answer


def check(answer: Connection | RegletError, **config: Any) -> Result:
    """Connect to h:443 with more config."""
    return run_tcp_check(Context(), {"host": "h", "port": 443, **config}, client=Dialer(answer))


def facts(result: Result) -> dict[str, Any]:
    """Return the data without the time."""
    assert result.data is not None
    assert result.data["response_time_ms"] >= 1
    return {name: value for name, value in result.data.items() if name != "response_time_ms"}


def test_a_connection_is_a_success_with_its_addresses() -> None:
    """It is closed afterwards."""
    connection = Connection(remote_addr="1.1.1.1:443", local_addr="10.0.0.1:5")
    result = check(connection)
    assert result.message == "TCP connection successful"
    assert facts(result) == {
        "connected": True,
        "address": "h:443",
        "remote_addr": "1.1.1.1:443",
        "local_addr": "10.0.0.1:5",
    }
    assert connection.closed


@pytest.mark.parametrize(
    ("host", "address"), [("h", "h:443"), ("::1", "[::1]:443"), ("[::1]", "[::1]:443"), ("", ":443")]
)
def test_an_ipv6_address_is_dialled_in_brackets(host: str, address: str) -> None:
    """Without them the port could not be told from the address."""
    dialer = Dialer(Connection())
    run_tcp_check(Context(), {"host": host, "port": 443.9, "tls": True, "timeout_ms": 100}, client=dialer)
    assert dialer.dialled == [(address, timedelta(milliseconds=100), True)]


def test_the_timeout_is_five_seconds_unless_said() -> None:
    """And plain text, whatever else `tls` holds."""
    dialer = Dialer(Connection())
    run_tcp_check(Context(), {"host": "h", "port": 1, "tls": "true"}, client=dialer)
    run_tcp_check(Context(), {"host": "h", "port": 1, "timeout_ms": -1}, client=dialer)
    assert dialer.dialled == [("h:1", timedelta(seconds=5), False), ("h:1", timedelta(), False)]


def test_any_certificate_is_taken_where_the_config_says_so() -> None:
    """A client that knows nothing of that is not told otherwise."""
    asked = []

    class Unverified(Dialer):
        def dial_secure(self, address: str, timeout: timedelta, tls: bool, **options: bool) -> Connection:
            asked.append(options)
            return super().dial_secure(address, timeout, tls)

    for more in ({}, {"insecure_skip_verify": False}, {"insecure_skip_verify": True}):
        run_tcp_check(Context(), {"host": "h", "port": 1, **more}, client=Unverified(Connection()))
    assert asked == [{}, {}, {"insecure_skip_verify": True}]


def test_the_response_time_is_the_hosts_own() -> None:
    """What is imported or decoded here is no part of it."""
    dialer = Dialer(Connection())
    dialer.answer = ObservedConnection(response_time=timedelta(milliseconds=1234))  # type: ignore[assignment]
    result = run_tcp_check(Context(), {"host": "h", "port": 1}, client=dialer)
    assert result.data is not None
    assert result.data["response_time_ms"] == 1234


def test_a_certificate_without_a_subject_keeps_its_issuer() -> None:
    """The subject is there, and empty."""
    result = check(Connection(is_tls=True, tls_cert_issuer="CN=Test CA"), tls=True)
    assert (facts(result)["tls_cert_subject"], facts(result)["tls_cert_issuer"]) == ("", "CN=Test CA")


def test_tls_tells_version_cipher_and_certificate() -> None:
    """The expiry keeps its zone, without fractions of a second."""
    expiry = datetime(2999, 1, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=1)))
    before = (expiry - datetime.now(UTC)).days
    result = check(Connection(True, "", "", True, "TLS 1.2", "C", "h", "CN=h", "CN=i", expiry), tls=True)
    found = facts(result)
    assert before >= found.pop("tls_cert_days_remaining") >= (expiry - datetime.now(UTC)).days
    assert found == {
        "connected": True,
        "address": "h:443",
        "tls": True,
        "tls_version": "TLS 1.2",
        "tls_cipher_suite": "C",
        "tls_server_name": "h",
        "tls_cert_subject": "CN=h",
        "tls_cert_issuer": "CN=i",
        "tls_cert_not_after": "2999-01-02T03:04:05+01:00",
    }


def test_a_certificate_that_expired_today_has_minus_one_day_left() -> None:
    """Rounding towards zero would call it valid."""
    expiry = datetime.now(UTC) - timedelta(hours=5)
    found = facts(check(Connection(is_tls=True, tls_cert_not_after=expiry)))
    assert found["tls_cert_days_remaining"] == -1
    assert found["tls_cert_not_after"].endswith("Z")


def test_without_tls_nothing_is_said_of_it() -> None:
    """Left-over facts are not shown."""
    assert "tls_version" not in facts(check(Connection(tls_version="TLS 1.2", tls_cert_subject="CN")))


def test_the_expected_tls_version_is_a_success() -> None:
    """No more is said."""
    result = check(Connection(is_tls=True, tls_version="TLS 1.3"), expected_tls_version="TLS 1.3")
    assert result.is_success
    assert "expected_tls_version" not in facts(result)


@pytest.mark.parametrize(
    ("connection", "actual", "said"),
    [(Connection(is_tls=True, tls_version="TLS 1.2"), "TLS 1.2", "TLS 1.2"), (Connection(), "", "none")],
)
def test_another_tls_version_is_a_failure(connection: Connection, actual: str, said: str) -> None:
    """Plain text is another version too."""
    result = check(connection, expected_tls_version="TLS 1.3")
    assert result.is_failure
    assert result.message == f"TLS version mismatch: expected TLS 1.3, got {said}"
    assert facts(result)["expected_tls_version"] == "TLS 1.3"
    assert facts(result)["actual_tls_version"] == actual


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"port": 1}, "MISSING_HOST"),
        ({"host": "h"}, "MISSING_PORT"),
        ({"host": "h", "port": "443"}, "MISSING_PORT"),
        ({"host": "h", "port": 0}, "INVALID_PORT"),
        ({"host": "h", "port": 65536}, "INVALID_PORT"),
    ],
)
def test_a_target_that_is_none_is_not_dialled(config: dict[str, Any], code: str) -> None:
    """The codes are the Go SDK's."""
    dialer = Dialer(Connection())
    result = run_tcp_check(Context(), config, client=dialer)
    assert result.error is not None
    assert (result.error.type, result.error.code) == ("config", code)
    assert dialer.dialled == []


def test_no_connection_is_an_error() -> None:
    """Whether raised or told."""
    for answer in (TCPError("h:443", "refused"), Connection(is_connected=False)):
        result = check(answer)
        assert result.error is not None
        assert (result.error.type, result.error.code) == ("network", "CONNECTION_FAILED")
        assert result.data is None


def test_a_missing_grant_comes_through_whole() -> None:
    """So that the user learns what to grant."""
    denied = CapabilityError("network:h:443")
    assert check(denied).error == denied.detail()


def test_a_context_without_a_dialer_is_the_authors_mistake() -> None:
    """It is raised."""
    with pytest.raises(MissingClientError, match="TCPDialer"):
        run_tcp_check(Context(), {"host": "h", "port": 1})
