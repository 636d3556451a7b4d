"""Checking a mail server."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from reglet.application.checks import run_smtp_check
from reglet.domain.context import Context
from reglet.domain.entities.records import SMTPConnectResult
from reglet.domain.entities.result import Result
from reglet.domain.errors import MissingClientError, NetworkError, RegletError


class Mail:
    """Gives the answer it was given, or raises the error; keeps how it was called."""

    def __init__(self, answer: SMTPConnectResult | RegletError) -> None:
        self.answer = answer
        self.calls: list[tuple[str, int, timedelta, bool, bool]] = []

    def connect(
        self, host: str, port: int, timeout: timedelta, use_tls: bool, use_starttls: bool
    ) -> SMTPConnectResult:
        self.calls.append((host, port, timeout, use_tls, use_starttls))
        if isinstance(self.answer, RegletError):
            raise self.answer
        return self.answer


def check(answer: SMTPConnectResult | RegletError, **config: Any) -> Result:
    """Connect to h:25 with more config."""
    return run_smtp_check(Context(), {"host": "h", "port": 25, **config}, client=Mail(answer))


def test_a_greeting_is_a_success() -> None:
    """Only what is known is said; the host's own measurement counts."""
    result = check(SMTPConnectResult(banner="220 x", response_time=timedelta(seconds=1)))
    assert result.message == "SMTP connection successful to h:25"
    assert result.data == {"connected": True, "address": "h:25", "latency_ms": 1000, "banner": "220 x"}


def test_tls_is_told() -> None:
    """Version, cipher and name."""
    result = check(SMTPConnectResult(True, "", (), None, True, "TLS 1.3", "C", "h"))
    assert result.data is not None
    found = dict(result.data)
    assert found.pop("latency_ms") >= 1
    assert found == {
        "connected": True,
        "address": "h:25",
        "tls_version": "TLS 1.3",
        "tls_cipher_suite": "C",
        "tls_server_name": "h",
    }


def test_every_option_reaches_the_client() -> None:
    """The timeout is 30 seconds unless said."""
    mail = Mail(SMTPConnectResult())
    run_smtp_check(Context(), {"host": "::1", "port": 465, "use_tls": True, "timeout_ms": 5}, client=mail)
    result = run_smtp_check(Context(), {"host": "::1", "port": 587, "use_starttls": True}, client=mail)
    assert mail.calls == [
        ("::1", 465, timedelta(milliseconds=5), True, False),
        ("::1", 587, timedelta(seconds=30), False, True),
    ]
    assert result.message == "SMTP connection successful to [::1]:587"


@pytest.mark.parametrize(
    ("config", "code"),
    [({}, "MISSING_HOST"), ({"host": "h"}, "MISSING_PORT"), ({"host": "h", "port": 70000}, "INVALID_PORT")],
)
def test_a_target_that_is_none_is_not_called(config: dict[str, Any], code: str) -> None:
    """The codes are the Go SDK's."""
    mail = Mail(SMTPConnectResult())
    result = run_smtp_check(Context(), config, client=mail)
    assert result.error is not None
    assert (result.error.type, result.error.code) == ("config", code)
    assert mail.calls == []


def test_no_connection_is_an_error() -> None:
    """Whether raised or told."""
    for answer in (NetworkError("connect", "h:25", "refused"), SMTPConnectResult(connected=False)):
        result = check(answer)
        assert result.error is not None
        assert (result.error.type, result.error.code) == ("network", "CONNECTION_FAILED")


def test_a_context_without_a_client_is_the_authors_mistake() -> None:
    """It is raised."""
    with pytest.raises(MissingClientError, match="SMTPClient"):
        run_smtp_check(Context(), {"host": "h", "port": 1})
