"""Checking a name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Self

import pytest

from reglet.application.checks import run_dns_check
from reglet.domain.context import Context
from reglet.domain.entities.records import MXRecord
from reglet.domain.entities.result import Result
from reglet.domain.errors import CapabilityError, DNSError, MissingClientError, RegletError
from reglet.domain.errors import TimeoutError as RegletTimeoutError
from reglet.domain.ports import DNSResolver

ADDRESSES = ["1.1.1.1", "::1", "not-an-ip", "2.2.2.2", "::ffff:3.3.3.3"]
TIMEOUT = RegletTimeoutError("dns_lookup", timedelta(seconds=5))


class Names:
    """Answers look-ups from what it is given, after so many errors; keeps what it was asked and where."""

    def __init__(self, *errors: RegletError) -> None:
        self.errors = list(errors)
        self.asked: list[tuple[str, str, str | None]] = []
        self.deadline: datetime | None = None

    def in_context(self, ctx: Context) -> Self:
        self.deadline = ctx.deadline
        return self

    def _asked(self, kind: str, host: str, nameserver: str | None) -> None:
        self.asked.append((kind, host, nameserver))
        if self.errors:
            raise self.errors.pop(0)

    def lookup_host(self, host: str, *, nameserver: str | None = None) -> list[str]:
        self._asked("host", host, nameserver)
        return ADDRESSES

    def lookup_cname(self, host: str, *, nameserver: str | None = None) -> str:
        self._asked("cname", host, nameserver)
        return "c."

    def lookup_mx(self, host: str, *, nameserver: str | None = None) -> list[MXRecord]:
        self._asked("mx", host, nameserver)
        return [MXRecord("a.", 10), MXRecord("b.", 20)]

    def lookup_txt(self, host: str, *, nameserver: str | None = None) -> list[str]:
        self._asked("txt", host, nameserver)
        return []

    def lookup_ns(self, host: str, *, nameserver: str | None = None) -> list[str]:
        self._asked("ns", host, nameserver)
        return ["n1."]


def check(names: Names, **config: Any) -> Result:
    """Look h up with more config, three times at most and without waiting."""
    return run_dns_check(Context(), {"hostname": "h", **config}, client=names, retries=2, backoff=timedelta())


def facts(result: Result) -> dict[str, Any]:
    """Return the data without the time."""
    assert result.data is not None
    assert result.data["query_time_ms"] >= 1
    return {name: value for name, value in result.data.items() if name != "query_time_ms"}


@pytest.mark.parametrize(
    ("record_type", "answer"),
    [
        ("A", {"records": ["1.1.1.1", "2.2.2.2", "::ffff:3.3.3.3"], "record_count": 3}),
        ("AAAA", {"records": ["::1"], "record_count": 1}),
        ("CNAME", {"records": ["c."], "record_count": 1}),
        ("MX", {"mx_records": [{"host": "a.", "pref": 10}, {"host": "b.", "pref": 20}], "record_count": 2}),
        ("TXT", {"record_count": 0}),
        ("NS", {"records": ["n1."], "record_count": 1}),
    ],
)
def test_each_type_gives_its_records(record_type: str, answer: dict[str, Any]) -> None:
    """A and AAAA keep only their own family."""
    result = check(Names(), record_type=record_type)
    assert result.message == f"DNS lookup successful for h ({record_type})"
    assert facts(result) == {"hostname": "h", "record_type": record_type, **answer}


def test_the_type_is_a_unless_said() -> None:
    """And the host's own resolver is asked."""
    names = Names()
    assert facts(check(names))["record_type"] == "A"
    assert names.asked == [("host", "h", None)]


def test_the_nameserver_is_asked() -> None:
    """The Go plugin only echoes it."""
    names = Names()
    check(names, nameserver="1.1.1.1", record_type="NS")
    assert names.asked == [("ns", "h", "1.1.1.1")]


@pytest.mark.parametrize(("timeout_ms", "limited"), [(2000, True), (0, False)])
def test_the_timeout_becomes_the_deadline_of_the_look_up(timeout_ms: int, limited: bool) -> None:
    """A port that has no timeout of its own sees it in its context."""
    names = Names()
    check(names, timeout_ms=timeout_ms)
    assert (names.deadline is not None) == limited
    if names.deadline is not None:
        assert names.deadline <= datetime.now(UTC) + timedelta(seconds=2)


def test_a_look_up_is_not_tried_again_where_the_deadline_leaves_no_time() -> None:
    """The error is that of the look-up."""
    names = Names(TIMEOUT, TIMEOUT)
    ctx = Context().with_timeout(timedelta(hours=1))
    result = run_dns_check(ctx, {"hostname": "h"}, client=names, retries=1, backoff=timedelta(hours=2))
    assert result.error is not None
    assert result.error.message == str(TIMEOUT)
    assert len(names.asked) == 1


@pytest.mark.parametrize("record_type", ["SRV", "a", ""])
def test_a_type_that_no_look_up_answers_is_an_error(record_type: str) -> None:
    """Nothing is asked."""
    names = Names()
    result = check(names, record_type=record_type)
    assert result.error is not None
    assert (result.error.type, result.error.code) == ("network", "LOOKUP_FAILED")
    assert result.message == f"unsupported record type: {record_type}"
    assert names.asked == []


def test_without_a_hostname_nothing_is_asked() -> None:
    """The code is the Go SDK's."""
    result = run_dns_check(Context(), {}, client=Names())
    assert result.error is not None
    assert result.error.code == "MISSING_HOSTNAME"


@pytest.mark.parametrize(
    ("error", "is_timeout", "is_not_found"),
    [
        (DNSError("h", "A", "boom"), False, False),
        (DNSError("h", "A", "gone", not_found=True), False, True),
        (RegletError("lookup h: no such host"), False, True),
        (RegletError("record not found"), False, True),
        (RegletError("i/o timeout"), True, False),
        (RegletError("context deadline exceeded"), True, False),
    ],
)
def test_a_failed_look_up_says_why_in_its_data(
    error: RegletError, is_timeout: bool, is_not_found: bool
) -> None:
    """From the error's flags, or its text where a host gives only that."""
    result = check(Names(error))
    assert result.error is not None
    assert (result.error.type, result.error.code) == ("network", "LOOKUP_FAILED")
    assert facts(result) == {
        "hostname": "h",
        "record_type": "A",
        "record_count": 0,
        "is_timeout": is_timeout,
        "is_not_found": is_not_found,
    }


def test_a_timeout_is_tried_again() -> None:
    """As often as allowed, and the answer counts."""
    names = Names(TIMEOUT, TIMEOUT)
    assert check(names).is_success
    assert len(names.asked) == 3


def test_after_the_last_try_the_timeout_is_the_answer() -> None:
    """Its type says so."""
    result = check(Names(TIMEOUT, TIMEOUT, TIMEOUT))
    assert result.error is not None
    assert (result.error.type, result.error.is_timeout) == ("timeout", True)


@pytest.mark.parametrize("error", [DNSError("h", "A", "no", not_found=True), CapabilityError("network:h:53")])
def test_other_failures_are_not_tried_again(error: RegletError) -> None:
    """They would fail again."""
    names = Names(error)
    assert check(names).is_error
    assert len(names.asked) == 1


def test_a_context_without_a_resolver_is_the_authors_mistake() -> None:
    """It is raised."""
    with pytest.raises(MissingClientError, match="DNSResolver"):
        run_dns_check(Context(), {"hostname": "h"})


def test_the_resolver_of_the_context_is_used() -> None:
    """As every port."""
    assert run_dns_check(Context().with_client(DNSResolver, Names()), {"hostname": "h"}).is_success
