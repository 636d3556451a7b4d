"""The error families: their texts, their details, their causes."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

from reglet.domain import errors
from reglet.domain.errors import HostError, RegletError, error_detail
from reglet.domain.time import format_nanoseconds
from reglet.domain.urls import without_credentials
from reglet.infrastructure.wire.messages import ERROR
from tests.vectors import go_errors, go_json
from tests.vectors import go_values as go
from tests.vectors.rules import Rule
from tests.vectors.running import NoCounterpartError, Vector, must_equal

Given = dict[str, Any]
_NIL_CAUSE = re.compile(r": (<nil>|\\u003cnil\\u003e)")


def run(vector: Vector) -> Rule | None:
    """Compare text, detail and whether it is a timeout; Go's are known."""
    given, expected = vector["input"], vector["expected"]
    if isinstance(given, dict) and given["type"] not in _FAMILIES:
        raise NoCounterpartError(f"no error of ours is a {given['type']}")
    if given is None or expected["panic"] is not None:
        return _nil(given, expected)
    error = _error(_spelt_out(given, expected))
    _compare_go(given, expected)
    seen = (go.as_written(str(error)), ERROR.encode(error_detail(error)).decode())
    if isinstance(given, dict) and given["type"] == "ErrorDetail":
        return _compare_detail(given, expected)
    wanted = (expected["error"], expected["detail_json"])
    _compare_flags(error, expected)
    if seen == wanted:
        return None
    rule = _by_rule(given, seen, wanted) if isinstance(given, dict) else None
    if rule is None:
        must_equal(seen, wanted)
    return rule


def _compare_go(given: Any, expected: Given) -> None:
    """Compare Go's answer with what its types make of the input."""
    error = go_errors.named(given) if isinstance(given, str) else go_errors.made(given)
    told = expected["unwrap"]
    if (
        isinstance(given, dict)
        and error.cause is not None
        and "wrap" not in given
        and told != error.cause.text
    ):
        is_named = (
            isinstance(given["err"], str) and told is not None
        )  # by a variable that is told by its text alone
        cause = go_errors.GoError(told, bool(expected["timeout"])) if is_named else error.cause
        error = go_errors.made(given | {"err": cause})
    elif isinstance(given, str) and expected["error"] != error.text and re.fullmatch(r"\w+\.\w+", given):
        error = go_errors.GoError(str(expected["error"]), expected["timeout"])
    made = {
        "detail_json": go_json.written("ErrorDetail", error.to_detail()),
        "error": go.as_written(error.text),
        "panic": None,
        "timeout": error.timeout,
        "unwrap": None if error.cause is None else go.as_written(error.cause.text),
    }
    must_equal(expected, made)


def _compare_detail(given: Given, expected: Given) -> Rule | None:
    """Compare an ErrorDetail, which is an error in Go, and the detail of one here."""

    def seen(detail: Given) -> str:
        return ERROR.encode(error_detail(_error({"type": "ErrorDetail", "detail": detail}))).decode()

    text = go.as_written(str(error_detail(_error({"type": "ErrorDetail", "detail": given["detail"]}))))
    must_equal(given.get("wrap", "%w").replace("%w", text), expected["error"])
    return go.settled(seen, given["detail"], expected["detail_json"])


def _spelt_out(given: Any, expected: Given) -> Any:
    """Return an input whose cause is named by a Go variable of the vectors' own with that cause's text.

    Go tells the text as that of the cause; what is made of it is compared.
    """
    named = given.get("err") if isinstance(given, dict) else None
    if not isinstance(named, str) or "wrap" in given or expected["unwrap"] is None:
        return given
    if str(_cause(given)) == expected["unwrap"]:
        return given
    spelt = TimeoutError if expected["timeout"] else RuntimeError
    return given | {"err": spelt(expected["unwrap"])}


def _nil(given: Any, expected: Given) -> Rule:
    """Compare that Go's answer is one that only a nil pointer or no error at all gives."""
    if given is None:
        nothing = dict.fromkeys(("error", "panic", "timeout", "unwrap"))
        must_equal(expected, {"detail_json": "null", **nothing})
        return Rule.NO_NIL_SETS
    must_equal("nil pointer" in expected["panic"], True)
    if "nil" not in json.dumps(given) and set(given) != {"type"}:
        raise AssertionError(f"Go panics: {expected['panic']}")
    return Rule.NO_NIL_SETS


def _compare_flags(error: BaseException, expected: Given) -> None:
    """Compare whether it is a timeout, where Go's type can say, and the text of its cause."""
    if isinstance(error, RegletError):
        if expected["timeout"] is not None:
            must_equal(error.is_timeout, expected["timeout"])
        if expected["unwrap"] is not None:
            must_equal(go.as_written(str(error.__cause__)), expected["unwrap"])


def _by_rule(given: Given, seen: tuple[str, ...], wanted: tuple[str, ...]) -> Rule | None:
    """Return the rule that makes all of the difference, None if none does."""
    rule = None
    if given.get("err") is None and any(map(_NIL_CAUSE.search, wanted)):
        rule, wanted = Rule.NO_CAUSE, tuple(_NIL_CAUSE.sub("", text) for text in wanted)
    bare = tuple(text.replace(wanted[0], wanted[0].removesuffix(": ")) for text in wanted)
    if given.get("err") == "" and seen == bare:  # a cause without a text has none to say
        return Rule.NO_CAUSE
    url = str(given.get("url", ""))
    if without_credentials(url) != url:
        shown = f" {without_credentials(url)} failed"
        rule, wanted = Rule.NO_CREDENTIALS, tuple(text.replace(f" {url} failed", shown, 1) for text in wanted)
    if given["type"] == "TCPError" and not given.get("network"):
        rule, wanted = Rule.TCP_NETWORK, tuple(text.replace(" () ", " (tcp) ", 1) for text in wanted)
    cause = str((given.get("err") and _cause(given)) or "")
    if cause and wanted[0].endswith(f": {cause}") and cause.startswith(wanted[0].removesuffix(f": {cause}")):
        rule, wanted = Rule.SAID_ONCE, tuple(text.replace(wanted[0], cause) for text in wanted)
    if seen == wanted:
        return rule
    nanoseconds = _nanoseconds(given)
    if nanoseconds % 1000:
        whole = nanoseconds // 1000 * 1000
        cut = {format_nanoseconds(whole), format_nanoseconds(whole + 1000)}
        exact = format_nanoseconds(nanoseconds)
        if any(seen == tuple(text.replace(exact, each) for text in wanted) for each in cut):
            return Rule.TIMEDELTA
    return None


def _nanoseconds(given: Given) -> int:
    """Return the duration of a time-out, or of one that is its cause."""
    named = str(given.get("err", ""))
    told = go_errors.nanoseconds(named.rsplit(" ", maxsplit=1)[-1]) if "TimeoutError " in named else 0
    return int(given.get("duration_ns", told))


def _error(given: Any) -> BaseException:
    if isinstance(given, str):
        return _named_cause(given)
    if given["type"] not in _FAMILIES:
        raise NoCounterpartError(f"no error of ours is a {given['type']}")
    error = _FAMILIES[given["type"]](given)
    if "wrap" not in given:
        return error
    text = str(error_detail(error)) if isinstance(error, HostError) else str(error)
    wrapper = RuntimeError(given["wrap"].replace("%w", text))
    wrapper.__cause__ = error
    return wrapper


def _cause(given: Given) -> BaseException | None:
    """Return the cause that a vector names in words."""
    named = given.get("err")
    if isinstance(named, BaseException):
        return named
    if isinstance(named, dict) and "type" in named:
        return _error(named)
    return None if named is None else _named_cause(go.text(named))


def _named_cause(text: str) -> BaseException:
    match text.split(" "):
        case ["TimeoutError", operation, span]:
            return errors.TimeoutError(operation, timedelta(microseconds=go_errors.nanoseconds(span) / 1000))
        case ["NetworkError", operation, target, *cause]:
            return errors.NetworkError(operation, target, " ".join(cause) or None)
        case [prefix, "%w", *rest]:
            inner = _named_cause(" ".join(rest))
            outer = RuntimeError(f"{prefix} {inner}")
            outer.__cause__ = inner
            return outer
    return _CLASSES.get(text, RuntimeError)(go_errors.VARIABLES.get(text, text))


_CLASSES: dict[str, type[Exception]] = {
    "context.DeadlineExceeded": TimeoutError,
    "os.ErrDeadlineExceeded": TimeoutError,
    "os.ErrNotExist": FileNotFoundError,
    "os.ErrPermission": PermissionError,
    "os.ErrExist": FileExistsError,
    "os.ErrProcessDone": ProcessLookupError,
    "io.EOF": EOFError,
    "io.ErrUnexpectedEOF": EOFError,
    "io.ErrClosedPipe": BrokenPipeError,
    "net.ErrClosed": ConnectionError,
}
"""The counterparts of errors that the vectors name by their variable in Go."""


def _timeout(given: Given) -> RegletError:
    span = timedelta(microseconds=_nanoseconds(given) / 1000)
    return errors.TimeoutError(given.get("operation", ""), span, given.get("target", ""))


def _text(given: Given, *names: str) -> list[str]:
    return [given.get(name, "") for name in names]


_FAMILIES: dict[str, Any] = {
    "NetworkError": lambda g: errors.NetworkError(*_text(g, "operation", "target"), _cause(g)),
    "TimeoutError": _timeout,
    "CapabilityError": lambda g: errors.CapabilityError(*_text(g, "required", "pattern")),
    "ConfigError": lambda g: errors.ConfigError(g.get("field", ""), _cause(g)),
    "ExecError": lambda g: errors.ExecError(
        g.get("command", ""), _cause(g), g.get("exit_code", 0), g.get("stderr", "")
    ),
    "DNSError": lambda g: errors.DNSError(
        *_text(g, "hostname", "record_type"), _cause(g), g.get("nameserver", "")
    ),
    "HTTPError": lambda g: errors.HTTPError(*_text(g, "method", "url"), _cause(g), g.get("status_code", 0)),
    "TCPError": lambda g: errors.TCPError(g.get("address", ""), _cause(g), g.get("network") or "tcp"),
    "SchemaError": lambda g: errors.SchemaError(g.get("schema_type", ""), _cause(g)),
    "MemoryError": lambda g: errors.MemoryLimitError(
        g.get("requested", 0), g.get("current", 0), g.get("limit", 0)
    ),
    "WireFormatError": lambda g: errors.WireFormatError(
        g.get("operation", ""), g.get("wire_type", g.get("record", "")), _cause(g)
    ),
    "ErrorDetail": lambda g: HostError(go.detail(g["detail"]) or go.detail({})),  # type: ignore[arg-type]
}
