"""Guests that take, write, log or answer more than they may."""

from __future__ import annotations

import re

import pytest

from reglet.sandbox import GuestAnswerError, LimitExceededError, Limits, Sandbox
from tests.host.modules import HEAD, HOSTILE, SUCCESS
from tests.hostile.guests import SMALL, check, hostile


def test_a_log_flood_is_cut_before_the_sink():
    """The sink gets as many as the limit says, and a word about the rest."""

    class Kept(list):
        def write(self, message):
            self.append(message.message)

    kept = Kept()
    with Sandbox(limits=SMALL, log=kept) as sandbox:
        check(hostile(sandbox, HOSTILE["logs"]))
    assert kept == ["again"] * 5 + ["more than 5 log messages in one check: the rest is dropped"]


def test_output_is_cut():
    """A guest that prints for ever fills no disk."""
    printed = []
    with Sandbox(limits=SMALL, stdout=printed.append) as sandbox:
        check(hostile(sandbox, HOSTILE["prints"]))
    written = b"".join(printed)
    assert written.startswith(b"{}" + bytes(998))
    assert written[1000:] == b"\n[dropped: more than 1000 bytes]\n"


def test_a_memory_larger_than_the_limit_is_refused():
    """Before anything runs."""
    small = Limits(memory=65536)
    with Sandbox(limits=small) as sandbox:
        outcome, _ = check(hostile(sandbox, ""))
        assert isinstance(outcome, LimitExceededError)
        assert outcome.limit == "memory"


def test_an_answer_over_the_limit_is_refused_unread():
    """A Result of any size cannot fill the host."""
    small = Limits(result_bytes=len(SUCCESS) - 1)
    with Sandbox(limits=small) as sandbox:
        outcome, _ = check(hostile(sandbox, ""))
        assert isinstance(outcome, LimitExceededError)
        assert outcome.limit == "result_bytes"


def test_a_config_over_the_limit_is_refused_unsent():
    """It names the size and the limit."""
    with Sandbox(limits=Limits(request_bytes=10)) as sandbox:
        outcome, _ = check(hostile(sandbox, ""), b'{"a": "0123456789"}')
        assert str(outcome) == "the config is 19 bytes; the limit is 10 bytes (Limits.request_bytes)"


def test_a_write_of_millions_of_parts_costs_the_host_nothing():
    """The parts are in the guest's memory; a list of them would take the host gigabytes and seconds."""
    parts = "(drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 8000000) (i32.const 8)))"
    head = HEAD.replace('"memory") 2', '"memory") 1000')
    with Sandbox(limits=Limits()) as sandbox:
        outcome, seconds = check(hostile(sandbox, parts, head=head))
    assert outcome.is_success
    assert seconds < 10


def test_an_answer_of_the_host_over_the_limit_is_replaced():
    """The guest is told; its memory is not flooded."""

    class Wordy:
        def call(self, name, request):
            return b"x" * 1000

    observe = "(return (call $tcp (call $pack (i32.const 5120) (i32.const 10))))"
    with Sandbox(limits=Limits(response_bytes=500), functions=Wordy()) as sandbox:
        outcome, _ = check(hostile(sandbox, observe))
        assert isinstance(outcome, GuestAnswerError)
        assert "VALIDATION_ERROR" in str(outcome)


TOO_DEEP = "nested too deeply|recursion depth"


def wrapped(depth):
    """Return a Result whose error has this many causes in each other."""
    cause = b'{"message":"m","type":"network","code":"c","wrapped":'
    return b'{"status":"error","error":' + cause * depth + b"null" + b"}" * (depth + 1)


def answering(sandbox, answer):
    """Return a module that answers with these bytes, of any length."""
    head = HEAD.replace('"memory") 2', '"memory") 100')
    text = "".join(f"\\{byte:02x}" for byte in answer)
    observe = f"(return (call $pack (i32.const 262144) (i32.const {len(answer)})))"
    return hostile(sandbox, observe, head=head, more=f'(data (i32.const 262144) "{text}")')


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b'{"status":"success","data":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}", TOO_DEEP),
        (wrapped(5000), TOO_DEEP),
        (wrapped(960), TOO_DEEP),
        (b'{"status":"success","data":{"a":' + b"9" * 5000 + b"}}", "cannot be read|decode failed"),
        (b'{"status":"success","data":{"a":1e400}}', "1e400 is not a JSON value"),
        (b'{"status":"success","data":{"a":-Infinity}}', "-Infinity is not a JSON value"),
        (b'\xef\xbb\xbf{"status":"success"}', "decode failed"),
        (b'{"status":"success","timestamp":"0000-00-00T00:00:00Z"}', "RFC 3339"),
        (b'{"status":{"success":1}}', "should be success or failure or error"),
        (b'{"status":"error","error":{"message":"m","stack":"!"}}', "base64"),
        (b'{"status":"success","message":"' + b"\\" * 1_000_001, "Unterminated"),
        (b'"' * 1_000_000, "Extra data"),
    ],
    ids=[
        "lists",
        "causes",
        "causes that JSON takes",
        "digits",
        "infinite",
        "negative",
        "mark",
        "time",
        "status",
        "stack",
        "backslashes",
        "quotes",
    ],
)
def test_an_answer_that_pythons_reader_cannot_take_is_refused(answer, reason):
    """No error of Python's comes out of the sandbox."""
    with Sandbox() as sandbox:
        outcome, _ = check(answering(sandbox, answer))
    assert isinstance(outcome, GuestAnswerError)
    assert re.search(reason, str(outcome))


def test_an_answer_of_millions_of_values_is_refused():
    """Each takes memory many times its bytes; what stands in strings is not counted."""
    many = b'{"status":"success","data":{"a":[' + b"[]," * 600_000 + b"0]}}"
    text = b'{"status":"success","message":"' + b"[,{" * 600_000 + b'"}'
    with Sandbox() as sandbox:
        refused, _ = check(answering(sandbox, many))
        taken, _ = check(answering(sandbox, text))
    assert isinstance(refused, LimitExceededError)
    assert refused.limit == "result_values"
    assert taken.is_success
