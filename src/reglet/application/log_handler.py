"""`logging` to the host: levels, `extra` as typed attributes, exceptions, the request id."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from reglet.application.current import NO_SECRETS, under_way
from reglet.application.log_attributes import log_attribute
from reglet.application.tracebacks import author_traceback, one_line
from reglet.domain.entities.log_record import LogAttribute, LogMessage
from reglet.domain.ports.log_sink import LogSink

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
LONGEST: Final = 64 * 1024
"""The most characters of one message or value; hosts read 1 MB of a whole message."""


def level_name(level: int) -> str:
    """Return the wire's name of a `logging` level: DEBUG, INFO, WARN or ERROR."""
    if level >= logging.ERROR:
        return "ERROR"
    if level >= logging.WARNING:
        return "WARN"
    return "INFO" if level >= logging.INFO else "DEBUG"


class LogSinkHandler(logging.Handler):
    """Hands what `logging` gets to a `LogSink`, without the secrets of the config under way."""

    def __init__(self, sink: LogSink, level: int = logging.NOTSET) -> None:
        """Take the sink; `level` is the least that is handed on."""
        super().__init__(level)
        self._sink = sink
        self._busy = False

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a record on. What the sink itself logs meanwhile is not handed on."""
        if self._busy:
            return
        self._busy = True
        try:
            self._sink.write(message_of(record))
        except Exception as error:  # noqa: BLE001 - a log that cannot be written must not break the check
            _say_on_stderr(f"log message was not delivered: {one_line(error)}")
        finally:
            self._busy = False


def message_of(record: logging.LogRecord) -> LogMessage:
    """Return a record as the host gets it."""
    check = under_way.get()
    redaction = NO_SECRETS if check is None else check.redaction
    attributes = (
        LogAttribute(each.key, each.type, _short(redaction.text(each.value))) for each in _attributes(record)
    )
    return LogMessage(
        level=level_name(record.levelno),
        message=_short(redaction.text(_text(record))),
        attributes=attributes,
        timestamp=datetime.fromtimestamp(record.created, UTC),
        request_id=None if check is None else check.context.request_id,
    )


def _attributes(record: logging.LogRecord) -> Iterator[LogAttribute]:
    for key, value in vars(record).items():
        if key not in _STANDARD:
            yield log_attribute(key, value)
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        yield LogAttribute("error", "error", one_line(error))
        yield LogAttribute("stack", "string", author_traceback(error))
    if record.stack_info:
        yield LogAttribute("stack_info", "string", record.stack_info)


def _text(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - arguments that do not fit must not cost the message
        return f"{record.msg} (its arguments do not fit: {one_line(error)})"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text) - LONGEST} more characters)"


def _say_on_stderr(text: str) -> None:
    if sys.__stderr__ is not None:
        sys.__stderr__.write(f"reglet: {text}\n")
