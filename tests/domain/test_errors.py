"""Errors: their texts, their details, and what they say about time."""

from __future__ import annotations

import builtins
import pickle
from datetime import timedelta

import pytest

from reglet.domain import errors
from reglet.domain.entities.result import ErrorDetail

FIVE_SECONDS = errors.TimeoutError("dns", timedelta(seconds=5), "h")

TEXTS = [
    (errors.NetworkError("connect", "h:1", "boom"), "network connect failed for h:1: boom"),
    (errors.NetworkError("connect"), "network connect failed"),
    (FIVE_SECONDS, "dns timeout after 5s (target: h)"),
    (errors.CapabilityError("network", "h:1"), "missing capability: network (pattern: h:1)"),
    (errors.CapabilityError("exec", hint="grant it"), "missing capability: exec; grant it"),
    (errors.ConfigError("url", "missing"), "config validation failed for field 'url': missing"),
    (errors.ConfigError(reason="not JSON"), "config validation failed: not JSON"),
    (errors.ConfigProblemsError(["a @ $.x", "b @ $.y"]), "a @ $.x; b @ $.y"),
    (errors.ExecError("ls", "no such file"), "failed to execute 'ls': no such file"),
    (errors.ExecError("ls", exit_code=2, stderr="bad"), "command 'ls' exited with code 2: bad"),
    (errors.ExecError("ls", exit_code=2), "command 'ls' exited with code 2"),
    (errors.DNSError("h", "A", "boom", "1.1.1.1"), "dns lookup for h (A) via 1.1.1.1 failed: boom"),
    (errors.HTTPError("GET", "u", "boom", 500), "http GET u failed with status 500: boom"),
    (errors.TCPError("h:1", "boom"), "tcp connect to h:1 (tcp) failed: boom"),
    (errors.SchemaError("T", "boom"), "schema error for type T: boom"),
    (
        errors.MemoryLimitError(1, 2, 3),
        "memory allocation failed: requested 1 bytes, current 2 bytes, limit 3 bytes",
    ),
    (errors.WireFormatError("decode", "Result", "boom"), "wire format decode failed for Result: boom"),
    (
        errors.UnsupportedOptionError("max_redirects", 3, "no"),
        "option max_redirects=3 cannot be honoured: no",
    ),
    (errors.CancelledError("http_request"), "http_request was not made: the check is cancelled"),
]


@pytest.mark.parametrize(("error", "text"), TEXTS, ids=lambda value: type(value).__name__)
def test_a_text_names_what_failed_and_why(error: errors.RegletError, text: str):
    """Each family has the text that the Go SDK gives it."""
    assert str(error) == text


@pytest.mark.parametrize(("error", "text"), TEXTS, ids=lambda value: type(value).__name__)
def test_a_detail_carries_the_same_text(error: errors.RegletError, text: str):
    """As data, an error says the same and has its family's type."""
    assert (error.detail().message, error.detail().type) == (text, error.error_type)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.NetworkError("connect"), "connect"),
        (FIVE_SECONDS, "dns"),
        (errors.CapabilityError("exec"), "exec"),
        (errors.ConfigError("url"), "url"),
        (errors.ExecError("ls", exit_code=-1), "exit_-1"),
        (errors.DNSError("h", "MX"), "dns_MX"),
        (errors.HTTPError("GET", "u"), "http_0"),
        (errors.TCPError("h:1"), "tcp_connect"),
        (errors.SchemaError(), "schema"),
        (errors.MemoryLimitError(), "memory_limit"),
        (errors.WireFormatError("decode", "Result"), "wire_format"),
        (errors.MissingClientError("HTTPClient"), "missing_client"),
        (errors.UnsupportedOptionError("a", 1, "b"), "unsupported_option"),
        (errors.CancelledError("a"), "cancelled"),
        (errors.DefinitionError("a"), ""),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_code_is_short_and_stable(error: errors.RegletError, code: str):
    """Profiles and people match on codes."""
    assert error.detail().code == code


def test_our_timeout_is_caught_as_the_builtin_one():
    """Code that knows nothing of this SDK catches it too."""
    with pytest.raises(builtins.TimeoutError):
        raise FIVE_SECONDS


@pytest.mark.parametrize(
    "error",
    [
        errors.DNSError("h", "A", FIVE_SECONDS),
        errors.HTTPError("GET", "u", FIVE_SECONDS),
        errors.TCPError("h:1", FIVE_SECONDS),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_connection_that_ran_out_of_time_is_a_timeout(error: errors.RegletError):
    """The type becomes `timeout` and the flag is set."""
    detail = error.detail()
    assert (detail.type, detail.is_timeout) == ("timeout", True)


def test_a_name_that_does_not_exist_says_so():
    """Profiles tell a missing name from a broken server."""
    assert errors.DNSError("h", "A", not_found=True).detail().is_not_found


def test_a_hosts_error_is_passed_on_whole():
    """What the host said survives."""
    detail = ErrorDetail("timeout", "slow", "C", is_timeout=True, is_not_found=True)
    error = errors.HostError(detail)
    assert (error.detail(), error.code, error.is_timeout, error.is_not_found) == (detail, "C", True, True)


def test_a_hosts_empty_error_still_has_a_text():
    """Nothing prints as nothing."""
    assert str(errors.HostError(ErrorDetail())) == "the host answered with an empty error"


def test_any_exception_has_a_detail():
    """A plain one is internal; one with a cause of ours takes that."""
    plain = errors.error_detail(ValueError("boom"))
    silent = errors.error_detail(ValueError())
    caused = ValueError("outer")
    caused.__cause__ = errors.ConfigError("f", "boom")
    assert (plain.type, plain.message, silent.message) == ("internal", "boom", "")
    assert errors.error_detail(caused).type == "config"


def test_a_missing_client_names_what_is_bound():
    """The text tells what was asked for and what is there."""
    error = errors.MissingClientError("HTTPClient", ["DNSResolver"])
    assert "no client for HTTPClient in this context (bound: DNSResolver)" in str(error)


def test_a_failed_check_is_an_outcome_not_an_error_of_ours():
    """`except RegletError` does not swallow it."""
    failed = errors.CheckFailed("no", {"a": 1})
    assert not isinstance(failed, errors.RegletError)
    assert (failed.message, failed.data) == ("no", {"a": 1})


def test_problems_of_a_config_are_listed_in_the_detail():
    """Hosts can show them one by one."""
    assert errors.ConfigProblemsError(["a", "b"]).detail().details == {"problems": ["a", "b"]}


def test_a_url_is_told_without_its_password():
    """Neither the text nor the attribute keeps the credentials."""
    error = errors.HTTPError("GET", "https://user:hunter2@example.com/a@b", "boom")
    assert (str(error), error.url) == (
        "http GET https://example.com/a@b failed: boom",
        "https://example.com/a@b",
    )


def test_what_a_host_has_said_already_is_not_said_twice():
    """A host that words its errors as we do is passed on as it is."""
    said = errors.HostError(ErrorDetail("network", "tcp connect to h:1 (tcp) failed: refused"))
    assert str(errors.TCPError("h:1", said)) == "tcp connect to h:1 (tcp) failed: refused"


@pytest.mark.parametrize(
    "error",
    [
        errors.ConfigProblemsError(["a", "b"]),
        errors.HTTPError("GET", "https://example.com/", "boom"),
        errors.HostError(ErrorDetail("network", "refused", "ECONNREFUSED")),
        errors.ConnectionFailedError("h:1", errors.HostError(ErrorDetail("network", "refused"))),
        errors.TimeoutError("http", timedelta(seconds=2)),
        errors.MemoryLimitError(3, 2, 1),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_goes_to_another_process_whole(error):
    """Whatever its constructor takes."""
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert (str(copy), copy.detail()) == (str(error), error.detail())
