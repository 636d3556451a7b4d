"""What the two dialects spell differently: ports, options, and how long the host took (ABI section 5)."""

from __future__ import annotations

from datetime import timedelta

from reglet.infrastructure.wire.dialect import Dialect
from reglet.infrastructure.wire.fields import Fields
from reglet.infrastructure.wire.time import elapsed

_NUMBERS = range(2**16)
_MOST_DIGITS = 5


def port_text(port: int, dialect: Dialect) -> str:
    """Return a port as JSON: a text in dialect abi, a number in hostlib; 0 (none) is an empty text in abi."""
    if dialect is Dialect.HOSTLIB:
        return str(port)
    return f'"{port}"' if port else '""'


def read_port(fields: Fields, dialect: Dialect | None = None) -> int:
    """Return the port in a request's fields, 0 if there is none; with a dialect, only in its spelling.

    Raises:
        WireFormatError: it is not a port.
    """
    value = fields.get("port")
    if isinstance(value, str) and dialect is not Dialect.HOSTLIB:
        return _from_text(value, fields)
    if value is not None and dialect is Dialect.ABI:
        raise fields.wrong("port", "a text of digits")
    return fields.integer("port", _NUMBERS)


def _from_text(text: str, fields: Fields) -> int:
    if not text:
        return 0
    digits = text.lstrip("0") or "0"
    if not (text.isascii() and text.isdecimal()) or len(digits) > _MOST_DIGITS or int(digits) not in _NUMBERS:
        raise fields.wrong("port", "a text of digits, at most 65535")
    return int(digits)


def read_option(fields: Fields, name: str, dialect: Dialect | None) -> bool:
    """Return an option that is `name` in dialect abi and `use_name` in hostlib; None reads either."""
    abi = dialect is not Dialect.HOSTLIB and fields.flag(name)
    return abi or (dialect is not Dialect.ABI and fields.flag(f"use_{name}"))


def read_elapsed(fields: Fields) -> timedelta:
    """Return the time that a host took, in either spelling."""
    return elapsed(fields.integer("response_time_ms") or fields.integer("latency_ms"))
