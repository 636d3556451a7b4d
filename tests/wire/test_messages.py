"""Small rules of the wire: failures, grants files, times, numbers, cut text."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from reglet.domain.entities.grants import ExecCapability, GrantSet, NetworkCapability, NetworkRule
from reglet.domain.entities.result import ErrorDetail
from reglet.domain.errors import HostError, WireFormatError
from reglet.domain.time import format_time, parse_time
from reglet.infrastructure.wire.exports import GRANTS, legacy_capabilities
from reglet.infrastructure.wire.go_json import decode_json, encode_json
from reglet.infrastructure.wire.host_functions import (
    EXEC_RESPONSE,
    HTTP_RESPONSE,
    SMTP_RESPONSE,
    TCP_REQUEST,
    TCP_RESPONSE,
)
from reglet.infrastructure.wire.messages import (
    ERROR,
    HOSTLIB_ERROR,
    NO_CONTEXT,
    Response,
    encode_failure,
    is_unreadable,
    type_of_code,
)
from reglet.infrastructure.wire.record import Dialect, milliseconds


def test_a_failure_in_place_of_a_response_is_read() -> None:
    """Kind and message arrive; one that is about decoding is told apart."""
    with pytest.raises(HostError, match="no such function") as caught:
        EXEC_RESPONSE.decode(encode_failure("NOT_FOUND", "no such function"))
    assert caught.value.code == "NOT_FOUND"
    assert is_unreadable(encode_failure("VALIDATION_ERROR", "failed to unmarshal request: x"))


@pytest.mark.parametrize(
    "answer", [b"", b"unmarshal", b'{"error":"NOT_FOUND","message":"unmarshal"}', b'["unmarshal"]']
)
def test_other_answers_are_not_about_decoding(answer: bytes) -> None:
    """Only the host's refusal to decode makes a guest repeat itself."""
    assert not is_unreadable(answer)


def test_a_host_may_say_why_with_or_without_a_type() -> None:
    """A code implies a type; without a known code it is internal."""
    assert (type_of_code("SSRF_BLOCKED"), type_of_code("X")) == ("capability", "internal")
    with pytest.raises(HostError) as caught:
        EXEC_RESPONSE.decode(b'{"error":{"code":"EXECUTION_FAILED","message":"m"}}')
    assert caught.value.detail() == ErrorDetail("exec", "m", "EXECUTION_FAILED")


def test_hostlib_errors_have_code_and_message_alone() -> None:
    """The other dialect knows no more."""
    assert HOSTLIB_ERROR.text(ErrorDetail("network", "m", "C")) == '{"code":"C","message":"m"}'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b'{"network":{"rules":[{"hosts":"*"}]}}', r"GrantSet.network.rules\[0\].*'hosts' should be a list"),
        (b'{"kv":{"rules":[{"op":"delete","keys":["a"]}]}}', "'op' should be read or write or read-write"),
        (b'{"exec":["ls"]}', "'exec' should be an object"),
        (b"[]", "expected an object"),
        (b"{", "GrantSet"),
    ],
)
def test_a_grants_file_that_is_wrong_says_where(text: bytes, problem: str) -> None:
    """The path, what it should be, and what it is."""
    with pytest.raises(WireFormatError, match=problem):
        GRANTS.decode(text)


def test_the_older_app_has_patterns() -> None:
    """Ports of a rule, paths, variables, commands; each once."""
    grants = GrantSet(
        network=NetworkCapability([NetworkRule(["a"], ["80", "443"]), NetworkRule(["b"], ["80", "443"])]),
        exec=ExecCapability(["/usr/bin/*"]),
    )
    assert legacy_capabilities(grants) == [("network", "outbound:80,443"), ("exec", "/usr/bin/*")]


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "10.0.0.0/8", "[fd00::1]", "192.168.1.7", "fe80::/64"]
)
def test_the_older_app_is_asked_for_private_addresses_apart(host: str) -> None:
    """It refuses them without a pattern of their own."""
    grants = GrantSet(network=NetworkCapability([NetworkRule(["a", host], ["80"])]))
    assert legacy_capabilities(grants) == [("network", "outbound:80"), ("network", "outbound:private")]


@pytest.mark.parametrize(
    "host", ["*", "0.0.0.0/0", "0.0.0.0/1", "::/0", "8.8.8.8", "10.example.com", "*.localhost.example"]
)
def test_a_wildcard_asks_for_no_private_address(host: str) -> None:
    """Nor does a name that looks like one."""
    grants = GrantSet(network=NetworkCapability([NetworkRule([host], ["80"])]))
    assert legacy_capabilities(grants) == [("network", "outbound:80")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-02",
        "2026-13-02T00:00:00Z",
        "2026-01-02T24:00:00Z",
        "2026-01-02T00:00:00+24:00",
        "0000-01-01T00:00:00Z",
    ],
)
def test_a_text_that_names_no_time_is_refused(text: str) -> None:
    """Strict RFC 3339, years 1 to 9999."""
    with pytest.raises(ValueError):
        parse_time(text)


def test_times_without_a_zone_are_utc() -> None:
    """And offsets below a minute are written as Go does."""
    assert format_time(datetime(2026, 1, 2)) == "2026-01-02T00:00:00Z"  # noqa: DTZ001 - it is the point
    offset = timezone(timedelta(seconds=-30))
    assert format_time(datetime(2026, 1, 2, tzinfo=offset)) == "2026-01-02T00:00:00+00:00"


def test_a_positive_span_is_never_no_timeout() -> None:
    """Less than a millisecond is one, not none."""
    assert milliseconds(timedelta(microseconds=1)) == 1
    assert milliseconds(None) == 0


@pytest.mark.parametrize("port", ["http", "65536", "-1", 65536, 1.5, True, []])
def test_a_port_is_a_number(port: object) -> None:
    """Names and numbers out of range are refused with the field's name."""
    with pytest.raises(WireFormatError, match="port"):
        TCP_REQUEST.decode_call(json.dumps({"host": "h", "port": port}).encode())


def test_each_dialect_refuses_the_others_port() -> None:
    """As real hosts do; without a dialect both are read."""
    with pytest.raises(WireFormatError):
        TCP_REQUEST.decode_call(b'{"port":443}', Dialect.ABI)
    with pytest.raises(WireFormatError):
        TCP_REQUEST.decode_call(b'{"port":"443"}', Dialect.HOSTLIB)


def test_hostlib_certificates_may_have_no_expiry() -> None:
    """An empty text is no date."""
    assert TCP_RESPONSE.decode(b'{"connected":true,"tls_cert_expiry":""}').tls_cert_not_after is None


def test_what_is_not_unicode_becomes_the_replacement_character() -> None:
    """Bytes and escapes alike, and escaped backslashes are left alone."""
    assert decode_json(b'["\xff","\\ud800x","\\\\ud800","\\ud83d\\ude00"]', "R") == [
        "\ufffd",
        "\ufffdx",
        "\\ud800",
        "\U0001f600",
    ]
    assert encode_json("\ud800") == b'"\\ufffd"'


def test_values_beyond_json_have_a_form() -> None:
    """Bytes, times, spans and sets, anywhere in the data."""
    value = {"b": b"\x00", "t": datetime(2026, 1, 2, tzinfo=UTC), "d": timedelta(seconds=1), "s": {"y", "x"}}
    assert json.loads(encode_json(value)) == {
        "b": "AA==",
        "t": "2026-01-02T00:00:00Z",
        "d": 1_000_000_000,
        "s": ["x", "y"],
    }


def test_the_last_of_two_spellings_of_a_key_counts_unless_it_is_null() -> None:
    """As Go reads them."""
    read, _ = TCP_REQUEST.decode_call(b'{"HOST":"a","Host":"b","host":null}')
    assert read.host == "b"


def test_a_stack_may_be_a_list_of_numbers() -> None:
    """Go reads bytes so too."""
    assert ERROR.decode(b'{"stack":[104,105]}').stack == b"hi"
    with pytest.raises(WireFormatError, match="'stack'"):
        ERROR.decode(b'{"stack":[256]}')


def test_an_expiry_that_is_no_timestamp_is_none() -> None:
    """The answer is worth more than its expiry."""
    assert TCP_RESPONSE.decode(b'{"connected":true,"tls_cert_expiry":"soon"}').tls_cert_not_after is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (9.999999e20, "999999900000000000000"),
        (4.632264726406163e16, "46322647264061630"),
        (1e16, "10000000000000000"),
        (1.2345678901234567e20, "123456789012345670000"),
        (-1.5e17, "-150000000000000000"),
        (1e21, "1e+21"),
        (123456789012345.6, "123456789012345.6"),
        (1.25e-5, "0.0000125"),
        (1e-7, "1e-7"),
    ],
)
def test_floats_are_written_with_the_digits_that_go_writes(value: float, text: str) -> None:
    """The shortest that mean the value; nothing of what lies behind them."""
    assert encode_json(value).decode() == text


@pytest.mark.parametrize("milliseconds_", [-(2**63), 2**63 - 1])
def test_a_span_of_any_size_is_read(milliseconds_: int) -> None:
    """It ends at the longest that there is."""
    read = TCP_RESPONSE.decode(json.dumps({"connected": True, "response_time_ms": milliseconds_}).encode())
    assert (read.response_time < timedelta()) == (milliseconds_ < 0)
    ran = EXEC_RESPONSE.decode(json.dumps({"exit_code": 0, "duration_ms": milliseconds_}).encode())
    assert (ran.duration < timedelta()) == (milliseconds_ < 0)


@pytest.mark.parametrize(
    ("response", "field"),
    [
        (TCP_RESPONSE, '"latency_ms":"5"'),
        (TCP_RESPONSE, '"tls_cert_expiry":7'),
        (TCP_RESPONSE, '"applied":"x"'),
        (SMTP_RESPONSE, '"latency_ms":"5"'),
        (SMTP_RESPONSE, '"extensions":"x"'),
        (HTTP_RESPONSE, '"latency_ms":"5"'),
        (HTTP_RESPONSE, '"applied":5'),
        (EXEC_RESPONSE, '"stdout_truncated":1'),
        (EXEC_RESPONSE, '"stderr_truncated":"x"'),
    ],
)
def test_a_name_that_the_abi_lacks_is_ignored_where_its_value_is_of_another_type(
    response: Response[object], field: str
) -> None:
    """As Go ignores a name that it does not know."""
    outcome = '"status_code":200,"connected":true,"exit_code":0'
    assert response.decode(f"{{{outcome},{field}}}".encode()) == response.decode(f"{{{outcome}}}".encode())


@pytest.mark.parametrize(
    ("response", "missing"),
    [
        (HTTP_RESPONSE, "status_code"),
        (TCP_RESPONSE, "connected"),
        (SMTP_RESPONSE, "connected"),
        (EXEC_RESPONSE, "exit_code"),
    ],
)
def test_a_response_that_does_not_say_how_it_went_is_refused(
    response: Response[object], missing: str
) -> None:
    """Go would read a zero: no exit code is exit code 0."""
    for answer in (b"{}", json.dumps({missing: None}).encode()):
        with pytest.raises(WireFormatError, match=missing):
            response.decode(answer)
    with pytest.raises(HostError, match="null"):
        response.decode(b"null")


@pytest.mark.parametrize("field", ['"use_tls":"x"', '"insecure_skip_verify":"x"'])
def test_so_it_is_in_a_request_unless_the_dialect_has_it(field: str) -> None:
    """A host of dialect hostlib refuses it."""
    assert TCP_REQUEST.decode_call(f"{{{field}}}".encode()) == TCP_REQUEST.decode_call(b"{}")
    assert TCP_REQUEST.decode_call(f"{{{field}}}".encode(), Dialect.ABI) == TCP_REQUEST.decode_call(b"{}")
    with pytest.raises(WireFormatError):
        TCP_REQUEST.decode_call(f"{{{field}}}".encode(), Dialect.HOSTLIB)


@pytest.mark.parametrize("context", ["5", '"aGk="', "[1]", '{"timeout_ms":"x"}'])
def test_a_context_of_any_type_is_ignored_in_dialect_hostlib(context: str) -> None:
    """The Go host SDK does not know the name; in dialect abi it is refused."""
    data = f'{{"host":"h","port":443,"context":{context}}}'.encode()
    assert TCP_REQUEST.decode_call(data, Dialect.HOSTLIB)[1] == NO_CONTEXT
    with pytest.raises(WireFormatError, match="context"):
        TCP_REQUEST.decode_call(data.replace(b"443", b'"443"'), Dialect.ABI)
