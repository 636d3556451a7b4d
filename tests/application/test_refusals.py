"""Refused looks at files: what they make of a Result, and when they do not count."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

import reglet
from reglet.application.results import RefusedLook, RefusedLooks, denial_of, refused_looks
from reglet.domain.entities.result import ErrorDetail, result_error, result_failure, result_success

PASSWD = RefusedLook("read", "/etc/passwd")


class Host:
    """Refuses looks, and tells of them once."""

    def __init__(self) -> None:
        self.refused: list[RefusedLook] = []

    def take(self) -> list[RefusedLook]:
        """Return what was refused since the last call."""
        taken, self.refused = self.refused, []
        return taken


@pytest.fixture
def host() -> Host:
    """Return a host."""
    return Host()


@pytest.fixture
def looks(host: Host) -> RefusedLooks:
    """Return the looks of a check that has begun."""
    looks = RefusedLooks()
    looks.take = host.take
    looks.begin()
    return looks


@pytest.mark.parametrize("result", [result_success("ok", {"exists": False}), result_failure("absent")])
def test_no_verdict_stands_after_a_refused_look(
    host: Host, looks: RefusedLooks, result: reglet.Result
) -> None:
    """The error has the missing grant and the rule, and no data."""
    host.refused = [PASSWD]
    judged = looks.judged(result)
    assert judged.error is not None
    assert (judged.error.type, judged.error.code) == ("capability", "fs:read:/etc/passwd")
    assert 'add {"read": ["/etc/passwd"]} to fs.rules' in judged.error.message
    assert judged.data is None


def test_a_result_without_refused_looks_is_left_alone(looks: RefusedLooks) -> None:
    """It is the same one."""
    result = result_success("ok")
    assert looks.judged(result) is result


def test_one_rule_grants_all_that_was_refused(host: Host, looks: RefusedLooks) -> None:
    """So that nobody is sent round twice; each path once, directories on the way to it not at all."""
    paths = ["/etc", "/etc/passwd", "/srv", "/etc/passwd"]
    host.refused = [*(RefusedLook("read", path) for path in paths), RefusedLook("write", "/srv/out")]
    judged = looks.judged(result_success("ok"))
    assert judged.error is not None
    assert judged.error.code == "fs:read:/etc/passwd"
    assert 'add {"read": ["/etc/passwd"], "write": ["/srv/out"]} to fs.rules' in judged.error.message


def test_another_error_is_kept_inside(host: Host, looks: RefusedLooks) -> None:
    """It may have nothing to do with files."""
    host.refused = [PASSWD]
    judged = looks.judged(result_error(ErrorDetail("network", "refused", code="CONNECTION_REFUSED")))
    assert judged.error is not None
    assert judged.error.wrapped is not None
    assert judged.error.wrapped.type == "network"


def test_a_bug_after_a_refused_look_is_the_refusal(host: Host, looks: RefusedLooks) -> None:
    """Its traceback says where."""
    host.refused = [PASSWD]
    judged = looks.judged(result_error(ErrorDetail("panic", "PermissionError", stack=b"in look")))
    assert judged.error is not None
    assert (judged.error.type, judged.error.wrapped, judged.error.stack) == ("capability", None, b"in look")


def test_what_was_refused_before_a_check_does_not_count(host: Host, looks: RefusedLooks) -> None:
    """Nor what an earlier check was refused."""
    host.refused = [PASSWD]
    looks.judged(result_success("ok"))
    host.refused = [PASSWD]
    looks.begin()
    assert not looks.judged(result_success("ok")).is_error


def test_a_check_that_was_refused_a_look_is_refused_it_again(host: Host, looks: RefusedLooks) -> None:
    """Without looking again it answers from what the first one left; another config is another check."""
    looks.begin(b'{"a": 1}')
    host.refused = [PASSWD]
    looks.judged(result_success("ok"))
    for config, is_refused in ((b'{"a": 1}', True), (b'{"a": 2}', False), (b'{"a": 1}', True)):
        looks.begin(config)
        assert looks.judged(result_success("ok")).is_error is is_refused


@pytest.fixture
def guest(host: Host) -> Iterator[Host]:
    """Return the host of this module's looks, as in a guest."""
    refused_looks.take = host.take
    refused_looks.begin()
    yield host
    refused_looks.begin()
    refused_looks.take = tuple


def test_refusals_in_the_block_are_answers(guest: Host) -> None:
    """Also if it ends in one."""
    with reglet.refusals_are_answers():
        guest.refused = [PASSWD]
    assert not refused_looks.judged(result_success("ok")).is_error
    with suppress(PermissionError), reglet.refusals_are_answers():
        guest.refused = [PASSWD]
        raise PermissionError
    assert not refused_looks.judged(result_success("ok")).is_error


def test_refusals_before_the_block_count(guest: Host) -> None:
    """The block begins where it is entered."""
    guest.refused = [RefusedLook("read", "/srv")]
    with reglet.refusals_are_answers():
        guest.refused = [PASSWD]
    judged = refused_looks.judged(result_success("ok"))
    assert judged.error is not None
    assert judged.error.code == "fs:read:/srv"


def test_in_process_a_refusal_of_the_system_is_no_missing_grant() -> None:
    """There are no grants of files."""
    assert denial_of(PermissionError(1, "Operation not permitted", "/etc/shadow")) is None
    with reglet.refusals_are_answers():
        assert not refused_looks.judged(result_success("ok")).is_error
