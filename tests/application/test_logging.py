"""`logging`, `print` and warnings on their way to the host."""

from __future__ import annotations

import base64
import io
import logging
import sys
import warnings
from contextlib import redirect_stderr
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import pytest

import reglet
from reglet import Context
from reglet.application.logging import RunningCheck, log_attribute, message_of, running_check
from reglet.application.models.redaction import Redaction
from reglet.domain.entities.result import ErrorDetail
from reglet.log import LogAttribute, LogMessage, LogRedirect, LogSinkHandler, group, redirect_logging

_LOG = logging.getLogger("plugin")


class Sink:
    """Keeps messages."""

    def __init__(self) -> None:
        self.messages: list[LogMessage] = []

    def write(self, message: LogMessage) -> None:
        """Keep one."""
        self.messages.append(message)

    @property
    def texts(self) -> list[tuple[str, str]]:
        """Levels and messages."""
        return [(each.level, each.message) for each in self.messages]


@pytest.fixture(name="sink")
def _sink() -> Sink:
    return Sink()


class Colour(Enum):
    """An enum."""

    RED = "red"


@reglet.model
class Login:
    """A model with a secret."""

    user: str
    token: str = reglet.field(secret=True)


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ("v<&>é", "string", "v<&>é"),
        (-1, "int64", "-1"),
        (2**63 - 1, "int64", "9223372036854775807"),
        (2**64 - 1, "uint64", "18446744073709551615"),
        (2**64, "any", "18446744073709551616"),
        (True, "bool", "true"),
        (1.5, "float64", "1.500000"),
        (float("nan"), "float64", "NaN"),
        (float("inf"), "float64", "+Inf"),
        (float("-inf"), "float64", "-Inf"),
        (datetime(2026, 1, 2, 3, 4, 5, 120000, tzinfo=UTC), "time", "2026-01-02T03:04:05.12Z"),
        (timedelta(seconds=90), "duration", "1m30s"),
        (ValueError("boom"), "error", "boom"),
        (ValueError(), "error", ""),
        (ErrorDetail("network", "m", "C"), "error", "network: m [C]"),
        (None, "any", "<nil>"),
        ({"b": 1, "a": "<é>"}, "json", '{"a":"\\u003cé\\u003e","b":1}'),
        ([], "json", "[]"),
        (b"abc", "json", '"YWJj"'),
        ({"when": timedelta(seconds=1), "who": Login("u", "hunter2")}, "json", None),
        ({"took": timedelta(milliseconds=1)}, "json", '{"took":1000000}'),
        ({1, 2}, "json", "[1,2]"),
        ({1: 1, "a": 2}, "any", "{1: 1, 'a': 2}"),
        (Colour.RED, "string", "red"),
        (Login("u", "hunter2"), "json", '{"token":"***","user":"u"}'),
        (group(), "group", "[]"),
        (group(peer=group(port=1, share=1.5)), "group", "[peer=[port=1 share=1.5]]"),
        (complex(1, 2), "any", "(1+2j)"),
    ],
)
def test_an_attribute_has_a_type_and_a_text(value, kind, text):
    """As the Go SDK's handler writes them."""
    attribute = log_attribute("k", value)
    assert (attribute.key, attribute.type) == ("k", kind)
    assert text is None or attribute.value == text
    assert "hunter2" not in attribute.value


def test_records_become_messages(sink):
    """Level, text, extra fields and time."""
    before = datetime.now(UTC)
    with redirect_logging(sink, level=logging.DEBUG):
        _LOG.debug("d %d", 1, extra={"port": 443})
        _LOG.info("i")
        _LOG.warning("w")
        _LOG.error("e")
        _LOG.critical("c")
    assert sink.texts == [("DEBUG", "d 1"), ("INFO", "i"), ("WARN", "w"), ("ERROR", "e"), ("ERROR", "c")]
    assert sink.messages[0].attributes == (LogAttribute("port", "int64", "443"),)
    assert before <= sink.messages[0].timestamp <= datetime.now(UTC)


def test_debug_is_left_out_unless_it_is_asked_for(sink):
    """A host call a line adds up."""
    with redirect_logging(sink):
        _LOG.debug("d")
    assert sink.messages == []


def test_an_exception_is_an_attribute_with_its_traceback(sink):
    """The author's own frames."""
    with redirect_logging(sink):
        try:
            _ = 1 // 0
        except ZeroDivisionError:
            _LOG.exception("bad")
        _LOG.info("where", stack_info=True)
    error, stack = sink.messages[0].attributes
    assert (error.type, error.value) == (
        "error",
        "ZeroDivisionError: integer division or modulo by zero",
    )
    assert "_ = 1 // 0" in stack.value
    assert sink.messages[1].attributes[0].key == "stack_info"


def test_the_request_id_and_the_redaction_of_the_check_apply(sink):
    """Those of the running check."""
    token = running_check.set(RunningCheck(Context(request_id="r-1"), Redaction(["hunter2"])))
    try:
        with redirect_logging(sink):
            _LOG.info("with %s", "hunter2", extra={"used": ["hunter2"]})
    finally:
        running_check.reset(token)
    [message] = sink.messages
    assert (message.request_id, message.message) == ("r-1", "with ***")
    assert message.attributes == (LogAttribute("used", "json", '["***"]'),)


def test_what_is_printed_is_logged_line_by_line(sink):
    """Standard output as INFO, standard error as WARN, a begun line at the end."""
    with redirect_logging(sink):
        print("one\ntwo", end="")  # noqa: T201 - that is what is tested
        print(" and a half\n\n")  # noqa: T201 - that is what is tested
        print("careful", file=sys.stderr)  # noqa: T201 - that is what is tested
        print("begun", end="")  # noqa: T201 - that is what is tested
    assert sink.texts == [("INFO", "one"), ("INFO", "two and a half"), ("WARN", "careful"), ("INFO", "begun")]


def test_a_line_without_end_is_cut(sink):
    """Memory is bounded."""
    with redirect_logging(sink):
        print("x" * 100_000, end="")  # noqa: T201 - that is what is tested
        assert len(sink.messages) == 1
    assert sink.messages[0].message.endswith("more characters)")


def test_warnings_are_logged(sink):
    """They are meant for the author."""
    with warnings.catch_warnings(), redirect_logging(sink):
        warnings.simplefilter("always")
        warnings.warn("old", UserWarning, stacklevel=1)
    [(level, text)] = sink.texts
    assert level == "WARN"
    assert "UserWarning: old" in text


def test_streams_may_be_left_alone(sink, capsys):
    """A debugger needs them."""
    with redirect_logging(sink, streams=False):
        print("here")  # noqa: T201 - that is what is tested
    assert (sink.messages, capsys.readouterr().out) == ([], "here\n")


def test_everything_is_put_back(sink):
    """Whatever happens in between."""
    root = logging.getLogger()
    before = (root.level, list(root.handlers), sys.stdout, sys.stderr)

    def fail() -> None:
        with redirect_logging(sink):
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (root.level, list(root.handlers), sys.stdout, sys.stderr) == before


def test_a_redirect_logs_begun_lines_when_a_check_is_over(sink):
    """It stays for the next one."""
    redirect = LogRedirect(sink)
    redirect.install()
    try:
        print("begun", end="")  # noqa: T201 - that is what is tested
        assert sink.messages == []
        redirect.finish()
        assert sink.texts == [("INFO", "begun")]
    finally:
        redirect.restore()


@pytest.fixture(name="logging_put_back")
def _logging_put_back():
    root = logging.getLogger()
    level, handlers, out, err = root.level, list(root.handlers), sys.stdout, sys.stderr
    yield root
    root.setLevel(level)
    root.handlers[:] = handlers
    sys.stdout, sys.stderr = out, err
    logging.captureWarnings(capture=False)


@pytest.mark.usefixtures("logging_put_back")
def test_a_permanent_redirect_is_installed_once(sink):
    """Each check finds it in place, and ends the lines that it began."""
    redirect = LogRedirect(sink, permanent=True)
    with redirect:
        print("one", end="")  # noqa: T201 - that is what is tested
    installed = sys.stdout
    with redirect:
        _LOG.info("two")
    assert sink.texts == [("INFO", "one"), ("INFO", "two")]
    assert sys.stdout is installed


def test_a_permanent_redirect_comes_back_after_a_plugin_put_its_own_there(sink, logging_put_back):
    """The next check logs again, and only once."""
    redirect = LogRedirect(sink, permanent=True)
    with redirect:
        logging_put_back.handlers.clear()
        logging_put_back.setLevel(logging.CRITICAL)
        sys.stdout = io.StringIO()
    with redirect:
        print("printed")  # noqa: T201 - that is what is tested
        _LOG.info("logged")
    assert sink.texts == [("INFO", "printed"), ("INFO", "logged")]


def test_arguments_that_do_not_fit_do_not_cost_the_message():
    """It says so instead."""
    message = message_of(logging.makeLogRecord({"msg": "%d", "args": ("x",), "levelno": logging.INFO}))
    assert message.message.startswith("%d (its arguments do not fit: TypeError")


class _Broken:
    def write(self, message: Any) -> None:
        _LOG.error("while writing")
        raise OSError("no host")


def test_a_sink_that_fails_does_not_break_the_check(real_stderr):
    """And what it logs meanwhile does not come back to it."""
    with redirect_logging(_Broken(), streams=False):
        _LOG.info("x")
    assert real_stderr.getvalue() == "reglet: log message was not delivered: OSError: no host\n"


@pytest.fixture(name="real_stderr")
def _stderr():
    kept, text = sys.__stderr__, io.StringIO()
    sys.__stderr__ = text  # type: ignore[misc]
    yield text
    sys.__stderr__ = kept  # type: ignore[misc]


def test_a_handler_may_be_used_alone(sink):
    """On one logger, from one level on."""
    handler = LogSinkHandler(sink, logging.ERROR)
    _LOG.addHandler(handler)
    try:
        with redirect_stderr(io.StringIO()):
            _LOG.warning("w")
            _LOG.error("e")
    finally:
        _LOG.removeHandler(handler)
    assert sink.texts == [("ERROR", "e")]


def test_bytes_are_base64():
    """As Go's JSON has them."""
    assert (
        log_attribute("k", bytearray(b"\x00\xff")).value == f'"{base64.b64encode(bytes([0, 255])).decode()}"'
    )
