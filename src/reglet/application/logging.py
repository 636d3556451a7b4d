"""A plugin's log: `logging` records and standard streams, sent to the host with the running check's facts."""

from __future__ import annotations

import base64
import io
import json
import logging
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final, NamedTuple

from reglet.application.models.declaring import is_model
from reglet.application.models.redacting import Redaction
from reglet.application.models.text_forms import write_duration, write_moment
from reglet.application.models.writing import write_model
from reglet.application.results import author_traceback, one_line
from reglet.domain.context import Context
from reglet.domain.entities.error_detail import ErrorDetail
from reglet.domain.entities.records import LogAttribute, LogAttributeType, LogMessage
from reglet.domain.ports import LogSink

NO_SECRETS = Redaction()


class Check(NamedTuple):
    """What the log must know of a check."""

    context: Context
    redaction: Redaction = NO_SECRETS


under_way: ContextVar[Check | None] = ContextVar("reglet_check", default=None)
"""The check of this thread or task; None outside of one."""


_INT64 = range(-(2**63), 2**63)
_UINT64 = range(2**64)
_HTML = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


class Group(NamedTuple):
    """Facts that belong together under one key."""

    attributes: Mapping[str, Any]


def group(**attributes: Any) -> Group:
    """Put facts together under one key of `extra`."""
    return Group(attributes)


_NO_FACTS = group()
_PLAIN_EXPONENTS = range(-4, 6)


def log_attribute(key: str, value: Any) -> LogAttribute:
    """Return a fact with its type; what has no type of its own is of type any."""
    kind, text = _typed(value)
    return LogAttribute(key, kind, text)


def _typed(value: Any) -> tuple[LogAttributeType, str]:
    if isinstance(value, Enum):
        value = value.value
    for types, write in _KINDS:
        if isinstance(value, types):
            return write(value)
    if is_model(type(value)):
        return "json", _json(write_model(value))
    return "any", "<nil>" if value is None else str(value)


def _integer(value: int) -> tuple[LogAttributeType, str]:
    if value in _INT64:
        return "int64", str(value)
    return ("uint64" if value in _UINT64 else "any"), str(value)


def _float(value: float) -> tuple[LogAttributeType, str]:
    if math.isfinite(value):
        return "float64", f"{value:f}"
    return "float64", "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def _group(value: Group) -> tuple[LogAttributeType, str]:
    return "group", _grouped(value)


def _grouped(value: Any) -> str:
    """Return a value as it stands inside a group: a float is short there, an empty group is left out."""
    if isinstance(value, Group):
        parts = (f"{key}={_grouped(each)}" for key, each in value.attributes.items() if each != _NO_FACTS)
        return f"[{' '.join(parts)}]"
    return _shortest(value) if isinstance(value, float) else _typed(value)[1]


def _shortest(value: float) -> str:
    """Return a float in its fewest digits, with an exponent from a million on, as Go writes it."""
    if not math.isfinite(value):
        return _float(value)[1]
    text = repr(value)
    digits = len(text.partition("e")[0].replace(".", "").strip("-0"))
    scientific = f"{value:.{max(digits - 1, 0)}e}"
    is_plain = not value or int(scientific.partition("e")[2]) in _PLAIN_EXPONENTS
    return text.removesuffix(".0") if is_plain else scientific


def _json(value: Any) -> str:
    text = json.dumps(
        value, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=_plain, allow_nan=False
    )
    return text.translate(_HTML)


def _plain(value: Any) -> Any:
    """Return what JSON has no form for as something that it has."""
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {str(key): entry for key, entry in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if is_model(type(value)):
        return write_model(value)
    return _typed(value)[1]


def _as_json(value: Any) -> tuple[LogAttributeType, str]:
    try:
        return "json", _json(value)
    except (TypeError, ValueError, RecursionError):  # such as keys of two types, and NaN
        return "any", repr(value)


_KINDS: tuple[tuple[Any, Callable[[Any], tuple[LogAttributeType, str]]], ...] = (
    (str, lambda value: ("string", value)),
    (bool, lambda value: ("bool", "true" if value else "false")),
    (int, _integer),
    (float, _float),
    (datetime, lambda value: ("time", write_moment(value))),
    (timedelta, lambda value: ("duration", write_duration(value))),
    ((BaseException, ErrorDetail), lambda value: ("error", str(value) or type(value).__name__)),
    (Group, _group),
    ((Mapping, list, tuple, set, frozenset, bytes, bytearray), _as_json),
)


class LogStream(io.TextIOBase):
    """A stream whose lines become log messages: what `print` writes to."""

    def __init__(self, logger: logging.Logger, level: int) -> None:
        """Take where lines go, and how important they are."""
        super().__init__()
        self._logger = logger
        self._level = level
        self._begun = ""

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str) -> int:
        """Log every line that ends in `text`; keep a begun one, up to 64 K characters of it."""
        *lines, self._begun = (self._begun + text).split("\n")
        for line in lines:
            self._log(line)
        if len(self._begun) > LONGEST:
            self.finish()
        return len(text)

    def finish(self) -> None:
        """Log a begun line as it is."""
        if self._begun:
            begun, self._begun = self._begun, ""
            self._log(begun)

    def _log(self, line: str) -> None:
        if line.strip():
            self._logger.log(self._level, "%s", line)


class LogInstallation:
    """Sends `logging`, warnings and what is printed to a sink, from its making until `undo`."""

    def __init__(self, sink: LogSink, *, level: int = logging.INFO, streams: bool = True) -> None:
        """Install; without `streams`, standard output stays what it is, as a debugger needs."""
        self._root = logging.getLogger()
        self._level, self._level_before = level, self._root.level
        self._handler = LogSinkHandler(sink)
        self._root.addHandler(self._handler)
        self._root.setLevel(level)
        logging.captureWarnings(capture=True)
        self._streams_before = (sys.stdout, sys.stderr)
        self._streams: tuple[LogStream, ...] = ()
        if streams:
            out = LogStream(logging.getLogger("stdout"), logging.INFO)
            err = LogStream(logging.getLogger("stderr"), logging.WARNING)
            self._streams = (out, err)
            sys.stdout, sys.stderr = out, err

    @property
    def stands(self) -> bool:
        """Whether all of it is still in place: a plugin may have put something of its own there."""
        return (
            self._handler in self._root.handlers
            and self._root.level == self._level
            and (not self._streams or (sys.stdout, sys.stderr) == self._streams)
        )

    def finish(self) -> None:
        """Log lines that were begun and not ended: a check is over."""
        for stream in self._streams:
            stream.finish()

    def undo(self) -> None:
        """Leave everything as it was before."""
        self.finish()
        if self._streams:
            sys.stdout, sys.stderr = self._streams_before
        logging.captureWarnings(capture=False)
        self._root.setLevel(self._level_before)
        self._root.removeHandler(self._handler)


class KeptLog:
    """Sends everything to a sink, for good: for a module, which has no other use for logs and streams.

    It is entered at each check, where it costs far less than an installation.
    """

    def __init__(self, sink: LogSink) -> None:
        """Install."""
        self._sink = sink
        self._installation = LogInstallation(sink)

    def __enter__(self) -> None:
        """Install again, if something of it was put away."""
        if not self._installation.stands:
            self._installation.undo()
            self._installation = LogInstallation(self._sink)

    def __exit__(self, *_: object) -> None:
        """Log begun lines."""
        self._installation.finish()


@contextmanager
def logging_to(sink: LogSink, *, level: int = logging.INFO, streams: bool = True) -> Iterator[None]:
    """Send `logging`, warnings and, with `streams`, what is printed to `sink`, until the block ends."""
    installation = LogInstallation(sink, level=level, streams=streams)
    try:
        yield
    finally:
        installation.undo()


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
