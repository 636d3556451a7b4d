"""Port numbers on the wire: a text in dialect abi, a number in hostlib."""

from __future__ import annotations

from reglet.infrastructure.wire.dialect import Dialect
from reglet.infrastructure.wire.fields import Fields

_NUMBERS = range(2**16)


def port_text(port: int, dialect: Dialect) -> str:
    """Return a port as JSON; 0 stands for none, which is an empty text in dialect abi."""
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
    if not (text.isascii() and text.isdecimal()) or int(text) not in _NUMBERS:
        raise fields.wrong("port", "a text of digits, at most 65535")
    return int(text)
