"""A plugin's log: `logging` records and standard streams, sent to the host with the running check's facts."""

from __future__ import annotations

import base64
import io
import json
import logging
import math
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final

from attrs import define, frozen

from reglet.application.models.model_types import is_model
from reglet.application.models.redaction import Redaction
from reglet.application.models.to_json import model_to_json
from reglet.application.results import author_traceback, one_line
from reglet.domain.context import Context
from reglet.domain.entities import GO_ESCAPES
from reglet.domain.entities.records import LogAttribute, LogAttributeType, LogMessage
from reglet.domain.entities.result import ErrorDetail
from reglet.domain.ports import LogSink
from reglet.domain.time import format_duration, format_time

NO_SECRETS = Redaction()

LONGEST: Final = 64 * 1024
"""The most characters of one message or value; hosts read 1 MB of a whole message."""

_RECORD_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_INT64 = range(-(2**63), 2**63)
_UINT64 = range(2**64)
_JSON_CONTAINERS = (Mapping, list, tuple, set, frozenset, bytes, bytearray)
_GO_ESCAPES = str.maketrans({**GO_ESCAPES})


@define
class RunningCheck:
    """What the log must know of a check."""

    context: Context
    redaction: Redaction = NO_SECRETS


running_check: ContextVar[RunningCheck | None] = ContextVar("reglet_running_check", default=None)
"""The check of this thread or task; None outside of one."""

current_check = running_check.get
"""Returns it. Every check asks for it, and a method of an imported name would be bound anew each time."""


@frozen
class Group:
    """Facts that belong together under one key."""

    attributes: Mapping[str, Any]


def group(**attributes: Any) -> Group:
    """Put facts together under one key of `extra`."""
    return Group(attributes)


_NO_FACTS = group()
_PLAIN_EXPONENTS = range(-4, 6)


def log_attribute(key: str, value: Any) -> LogAttribute:
    """Return a fact with its type; what has no type of its own is of type any."""
    kind, written = _typed(value)
    return LogAttribute(key, kind, written)


def _typed(value: Any) -> tuple[LogAttributeType, str]:  # noqa: C901, PLR0911, PLR0912 - one case a type
    """Return the type of a value and how it is written, as the Go SDK's handler does."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, _JSON_CONTAINERS) or is_model(type(value)):
        try:
            written = json.dumps(
                value,
                ensure_ascii=False,
                separators=(",", ":"),
                sort_keys=True,
                allow_nan=False,
                default=_json_default,
            )
        except (TypeError, ValueError, RecursionError):  # such as keys of two types, and NaN
            return "any", repr(value)
        return "json", written.translate(_GO_ESCAPES)
    match value:
        case str():
            return "string", value
        case bool():
            return "bool", "true" if value else "false"
        case int():
            return "int64" if value in _INT64 else "uint64" if value in _UINT64 else "any", str(value)
        case float() if math.isfinite(value):
            return "float64", f"{value:f}"
        case float():
            return "float64", "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
        case datetime():
            return "time", format_time(value)
        case timedelta():
            return "duration", format_duration(value)
        case BaseException() | ErrorDetail():
            return "error", str(value)
        case Group():
            return "group", _grouped(value)
        case _:
            return "any", "<nil>" if value is None else str(value)


def _grouped(value: Any) -> str:
    """Return a value as it stands inside a group: a float is short there, an empty group is left out."""
    if isinstance(value, Group):
        parts = (f"{key}={_grouped(each)}" for key, each in value.attributes.items() if each != _NO_FACTS)
        return f"[{' '.join(parts)}]"
    if not isinstance(value, float) or not math.isfinite(value):
        return _typed(value)[1]
    # in its fewest digits, with an exponent from a million on
    written = repr(value)
    digits = len(written.partition("e")[0].replace(".", "").strip("-0"))
    scientific = f"{value:.{max(digits - 1, 0)}e}"
    is_plain = not value or int(scientific.partition("e")[2]) in _PLAIN_EXPONENTS
    return written.removesuffix(".0") if is_plain else scientific


def _json_default(value: Any) -> Any:
    """Return what JSON has no form for as something that it has."""
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(key): entry for key, entry in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1) * 1000
    if is_model(type(value)):
        return model_to_json(value)
    return _typed(value)[1]


class LogStream(io.TextIOBase):
    """A stream whose lines become log messages: what `print` writes to."""

    def __init__(self, logger: logging.Logger, level: int) -> None:
        """Take where lines go, and how important they are."""
        super().__init__()
        self._logger = logger
        self._level = level
        self.begun = ""
        """A line that is not ended yet."""

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, string: str) -> int:
        """Log every line that ends in `string`; keep a begun one, up to 64 K characters of it."""
        *lines, self.begun = (self.begun + string).split("\n")
        for line in lines:
            self._log(line)
        if len(self.begun) > LONGEST:
            self.finish()
        return len(string)

    def finish(self) -> None:
        """Log a begun line as it is."""
        if self.begun:
            begun, self.begun = self.begun, ""
            self._log(begun)

    def _log(self, line: str) -> None:
        if line.strip():
            self._logger.log(self._level, "%s", line)


class LogRedirect:
    """Sends `logging`, warnings and what is printed to a sink while it is installed: in a `with` block.

    A permanent one stays installed after the block, which then ends the lines that were begun and no more.
    That is for a module: it has no other use for logs and streams, and a block a check costs next to nothing.
    """

    def __init__(
        self, sink: LogSink, *, level: int = logging.INFO, streams: bool = True, permanent: bool = False
    ) -> None:
        """Take the sink; without `streams`, standard output stays what it is, as a debugger needs."""
        self._sink = sink
        self._level = level
        self._takes_streams = streams
        self._permanent = permanent
        self._handler: LogSinkHandler | None = None
        self._out: LogStream | None = None
        self._error: LogStream | None = None
        self._undo = ExitStack()

    @property
    def installed(self) -> bool:
        """Whether all of it is installed."""
        root, out = logging.root, self._out
        return (
            self._handler in root.handlers
            and root.level == self._level
            and (out is None or (sys.stdout is out and sys.stderr is self._error))
        )

    def install(self) -> None:
        """Install it, anew where some of it was put away."""
        self.restore()
        root = logging.getLogger()
        self._handler = LogSinkHandler(self._sink)
        self._undo.callback(root.removeHandler, self._handler)
        root.addHandler(self._handler)
        self._undo.callback(root.setLevel, root.level)
        root.setLevel(self._level)
        self._undo.callback(logging.captureWarnings, capture=False)
        logging.captureWarnings(capture=True)
        if self._takes_streams:
            self._out = LogStream(logging.getLogger("stdout"), logging.INFO)
            self._error = LogStream(logging.getLogger("stderr"), logging.WARNING)
            self._undo.callback(setattr, sys, "stdout", sys.stdout)
            self._undo.callback(setattr, sys, "stderr", sys.stderr)
            sys.stdout, sys.stderr = self._out, self._error

    def finish(self) -> None:
        """Log lines that were begun and not ended: a check is over."""
        if self._out is not None and self._out.begun:
            self._out.finish()
        if self._error is not None and self._error.begun:
            self._error.finish()

    def restore(self) -> None:
        """Leave everything as it was before it was installed."""
        self.finish()
        self._undo.close()

    def __enter__(self) -> None:
        """Install, unless all of it is installed: a plugin may have put something of its own there."""
        if not self.installed:
            self.install()

    def __exit__(self, *_: object) -> None:
        """Restore; a permanent one only logs begun lines."""
        if self._permanent:
            self.finish()
        else:
            self.restore()


def redirect_logging(sink: LogSink, *, level: int = logging.INFO, streams: bool = True) -> LogRedirect:
    """Send `logging`, warnings and, with `streams`, what is printed to `sink`, in a `with` block."""
    return LogRedirect(sink, level=level, streams=streams)


def level_name(level: int) -> str:
    """Return the wire's name of a `logging` level: DEBUG, INFO, WARN or ERROR."""
    if level >= logging.ERROR:
        return "ERROR"
    if level >= logging.WARNING:
        return "WARN"
    return "INFO" if level >= logging.INFO else "DEBUG"


class LogSinkHandler(logging.Handler):
    """Hands what `logging` gets to a `LogSink`, without the secrets of the running check's config."""

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
            if sys.__stderr__ is not None:
                sys.__stderr__.write(f"reglet: log message was not delivered: {one_line(error)}\n")
        finally:
            self._busy = False


def message_of(record: logging.LogRecord) -> LogMessage:
    """Return a record as the host gets it."""
    check = current_check()
    redaction = NO_SECRETS if check is None else check.redaction
    try:
        message = record.getMessage()
    except Exception as error:  # noqa: BLE001 - arguments that do not fit must not cost the message
        message = f"{record.msg} (its arguments do not fit: {one_line(error)})"
    attributes = [
        log_attribute(key, value) for key, value in vars(record).items() if key not in _RECORD_FIELDS
    ]
    raised = record.exc_info[1] if record.exc_info else None
    if raised is not None:
        attributes.append(LogAttribute("error", "error", one_line(raised)))
        attributes.append(LogAttribute("stack", "string", author_traceback(raised)))
    if record.stack_info:
        attributes.append(LogAttribute("stack_info", "string", record.stack_info))
    return LogMessage(
        level=level_name(record.levelno),
        message=_short(redaction.string(message)),
        attributes=[
            LogAttribute(each.key, each.type, _short(redaction.string(each.value))) for each in attributes
        ],
        timestamp=datetime.fromtimestamp(record.created, UTC),
        request_id=None if check is None else check.context.request_id,
    )


def _short(string: str) -> str:
    return (
        string if len(string) <= LONGEST else f"{string[:LONGEST]}… ({len(string) - LONGEST} more characters)"
    )
