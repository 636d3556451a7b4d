"""Answers are plain data."""

from __future__ import annotations

from reglet import ErrorDetail, answers
from reglet.domain.entities.records import MXRecord, SMTPConnectResult, TLSFacts
from reglet.errors import HostError, TCPError


def test_an_http_answer_has_a_response():
    """Texts become bytes, single header values tuples."""
    answer = answers.http("u", method="GET", status_code=404, headers={"A": "b"}, body="é", proto="HTTP/2.0")
    assert (answer.url, answer.method, answer.error) == ("u", "GET", None)
    response = answer.response
    assert (response.status_code, response.headers, response.body) == (404, {"A": ("b",)}, "é".encode())
    assert response.proto == "HTTP/2.0"


def test_a_dns_answer_has_records():
    """Of either kind."""
    answer = answers.dns("h", "MX", records=["r"], mx_records=[MXRecord("m", 1)])
    assert (answer.hostname, answer.record_type) == ("h", "MX")
    assert (answer.records, answer.mx_records) == (("r",), (MXRecord("m", 1),))


def test_a_tcp_answer_has_addresses_and_tls():
    """As a connection would tell."""
    answer = answers.tcp("h:1", tls=TLSFacts("TLS 1.3"), remote_addr="r", local_addr="l")
    assert (answer.address, answer.tls, answer.remote_addr, answer.local_addr) == (
        "h:1",
        TLSFacts("TLS 1.3"),
        "r",
        "l",
    )


def test_an_smtp_answer_has_a_banner_or_a_whole_result():
    """The banner is most of it."""
    assert answers.smtp("h", banner="220 x").result.banner == "220 x"
    result = SMTPConnectResult(tls_enabled=True)
    assert answers.smtp(result=result).result is result


def test_a_command_answer_has_a_result():
    """Arguments left out are any."""
    answer = answers.command("id", ["-u"], stdout="0", stderr="e", exit_code=1)
    assert (answer.command, answer.args) == ("id", ("-u",))
    assert (answer.result.stdout, answer.result.stderr, answer.result.exit_code) == ("0", "e", 1)
    assert answers.command("id").args is None


def test_a_failure_is_an_error_however_it_is_said():
    """As a text, a host's detail, or an error of ours."""
    error = TCPError("h:1", "down")
    assert answers.tcp(error=error).error is error
    detail = ErrorDetail("timeout", "slow", "TIMEOUT", is_timeout=True)
    hosts = answers.http(error=detail).error
    assert isinstance(hosts, HostError)
    assert hosts.detail() is detail
    text = answers.dns(error="asleep").error
    assert text is not None
    assert (str(text), text.detail().type) == ("asleep", "network")
