"""What the Go SDK's errors say: their text, their detail, their cause, and whether they are time-outs."""

from __future__ import annotations

import re
from typing import Any

from attrs import frozen

from reglet.domain.time import format_nanoseconds
from tests.vectors import go_json
from tests.vectors import go_values as go
from tests.vectors.running import NoCounterpartError

Given = dict[str, Any]
VARIABLES = {
    "context.DeadlineExceeded": "context deadline exceeded",
    "context.Canceled": "context canceled",
    "os.ErrDeadlineExceeded": "i/o timeout",
    "os.ErrNotExist": "file does not exist",
    "os.ErrPermission": "permission denied",
    "os.ErrExist": "file already exists",
    "os.ErrClosed": "file already closed",
    "os.ErrInvalid": "invalid argument",
    "os.ErrNoDeadline": "file type does not support deadline",
    "os.ErrProcessDone": "os: process already finished",
    "io.EOF": "EOF",
    "io.ErrUnexpectedEOF": "unexpected EOF",
    "io.ErrClosedPipe": "io: read/write on closed pipe",
    "io.ErrNoProgress": "multiple Read calls return no data or error",
    "io.ErrShortWrite": "short write",
    "io.ErrShortBuffer": "short buffer",
    "net.ErrClosed": "use of closed network connection",
}
"""Errors that the vectors name by their variable in Go."""
_TIMEOUTS = ("context.DeadlineExceeded", "os.ErrDeadlineExceeded")
_SPAN = re.compile(r"(\d+)(?:\.(\d+))?(ns|µs|us|ms|h|m|s)")
_UNITS = {"ns": 1, "µs": 10**3, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


@frozen
class GoError:
    """An error of Go's; `timeout` is None where its type has no such method, `detail` where it makes none."""

    text: str
    timeout: bool | None = None
    cause: GoError | None = None
    detail: Given | None = None

    def to_detail(self) -> Given:
        """Return the detail of the first error of its chain that makes one."""
        error: GoError | None = self
        while error is not None and error.detail is None:
            error = error.cause
        made = (
            {"message": self.text, "type": "internal"}
            if error is None or error.detail is None
            else error.detail
        )
        return go_json.zero("ErrorDetail") | made


def named(text: str) -> GoError:
    """Return the error that a vector names in words."""
    match text.split(" "):
        case ["TimeoutError", operation, span]:
            return made({"type": "TimeoutError", "operation": operation, "duration_ns": nanoseconds(span)})
        case ["NetworkError", operation, target, *cause]:
            inner = {"err": " ".join(cause)} if cause else {}
            return made({"type": "NetworkError", "operation": operation, "target": target, **inner})
        case [prefix, "%w", *rest]:
            inner_error = named(" ".join(rest))
            return GoError(f"{prefix} {inner_error.text}", cause=inner_error)
    return GoError(VARIABLES.get(text, text), True if text in _TIMEOUTS else None)


def nanoseconds(span: str) -> int:
    """Return a duration that Go writes, such as 1m30s or 1.5s."""
    if span.lstrip("-") not in ("0", "".join(part[0] for part in _SPAN.finditer(span))):
        raise NoCounterpartError(f"what is the duration {span!r}?")
    parts = ((int(whole), fraction, _UNITS[unit]) for whole, fraction, unit in _SPAN.findall(span))
    total = sum(
        whole * unit + int((fraction or "0").ljust(18, "0")) * unit // 10**18
        for whole, fraction, unit in parts
    )
    return -total if span.startswith("-") else total


def made(given: Given) -> GoError:
    """Return the error of one of the SDK's types that has these fields."""
    cause = _cause(given.get("err"))
    text = _text(given, "<nil>" if cause is None else cause.text, cause)
    kind, code = _KINDS[given["type"]](given)
    timeout = {"TimeoutError": True}.get(given["type"])
    if given["type"] in ("DNSError", "HTTPError", "TCPError"):
        timeout = bool(cause and cause.timeout)
    is_timeout = bool(timeout)
    detail = {
        "message": text,
        "type": "timeout" if is_timeout else kind,
        "code": code,
        "is_timeout": is_timeout,
    }
    if given["type"] == "ErrorDetail":
        detail, cause = given["detail"], None
    error = GoError(text, timeout, cause, detail)
    if "wrap" not in given:
        return error
    return GoError(given["wrap"].replace("%w", text), cause=error)


def _cause(given: Any) -> GoError | None:
    if given is None or isinstance(given, GoError):
        return given
    return made(given) if "type" in given and isinstance(given, dict) else named(go.text(given))


def _text(g: Given, err: str, cause: GoError | None) -> str:  # noqa: C901, PLR0911 - one case a kind
    """Return what `Error()` says."""

    def of(name: str) -> Any:
        return go.text(g.get(name, ""))

    match g["type"]:
        case "NetworkError":
            return f"network {of('operation')} failed{_unless_empty(' for {}', of('target'))}: {err}"
        case "TimeoutError":
            span = format_nanoseconds(int(g.get("duration_ns", 0)))
            return f"{of('operation')} timeout after {span}{_unless_empty(' (target: {})', of('target'))}"
        case "CapabilityError":
            return f"missing capability: {of('required')}{_unless_empty(' (pattern: {})', of('pattern'))}"
        case "ConfigError":
            place = _unless_empty(" for field '{}'", of("field"))
            return f"config validation failed{place}: {err}"
        case "ExecError" if cause is not None:
            return f"failed to execute '{of('command')}': {err}"
        case "ExecError":
            ended = f"command '{of('command')}' exited with code {g.get('exit_code', 0)}"
            return ended + _unless_empty(": {}", of("stderr"))
        case "DNSError":
            asked = _unless_empty(" via {}", of("nameserver"))
            return f"dns lookup for {of('hostname')} ({of('record_type')}){asked} failed: {err}"
        case "HTTPError":
            status = g.get("status_code", 0)
            shown = f" with status {status}" if status > 0 else ""
            return f"http {of('method')} {of('url')} failed{shown}: {err}"
        case "TCPError":
            return f"tcp connect to {of('address')} ({of('network')}) failed: {err}"
        case "SchemaError":
            return f"schema error{_unless_empty(' for type {}', of('schema_type'))}: {err}"
        case "MemoryError":
            sizes = (g.get(name, 0) for name in ("requested", "current", "limit"))
            return "memory allocation failed: requested {} bytes, current {} bytes, limit {} bytes".format(
                *sizes
            )
        case "WireFormatError":
            return f"wire format {of('operation')} failed for {go.text(g.get('wire_type', g.get('record', '')))}: {err}"
    return detail_text(g["detail"])


def _unless_empty(pattern: str, text: str) -> str:
    return pattern.format(text) if text else ""


def detail_text(detail: Given | None) -> str:
    """Return what `Error()` of an ErrorDetail says."""
    if detail is None:
        return ""
    kind, code, text = (go.text(detail.get(name)) for name in ("type", "code", "message"))
    text = f"{kind}: {text}" if kind not in ("", "internal") else text
    text = f"{text} [{code}]" if code else text
    return text if detail.get("wrapped") is None else f"{text}: {detail_text(detail['wrapped'])}"


_KINDS: dict[str, Any] = {
    "NetworkError": lambda g: ("network", g.get("operation", "")),
    "TimeoutError": lambda g: ("timeout", g.get("operation", "")),
    "CapabilityError": lambda g: ("capability", g.get("required", "")),
    "ConfigError": lambda g: ("config", g.get("field", "")),
    "ExecError": lambda g: ("exec", f"exit_{g.get('exit_code', 0)}"),
    "DNSError": lambda g: ("network", f"dns_{g.get('record_type', '')}"),
    "HTTPError": lambda g: ("network", f"http_{g.get('status_code', 0)}"),
    "TCPError": lambda _: ("network", "tcp_connect"),
    "SchemaError": lambda _: ("validation", "schema"),
    "MemoryError": lambda _: ("internal", "memory_limit"),
    "WireFormatError": lambda _: ("internal", "wire_format"),
    "ErrorDetail": lambda _: ("", ""),
}
"""The type and code of the detail that each makes."""
