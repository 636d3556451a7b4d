"""LogMessage on the wire (ABI section 2)."""

from __future__ import annotations

from typing import cast, get_args

from reglet.domain.entities.records import LogAttribute, LogAttributeType, LogMessage
from reglet.domain.time import ZERO_TIME, format_time
from reglet.infrastructure.wire.context import NO_CONTEXT, CallContext, context_text, read_context
from reglet.infrastructure.wire.fields import Fields, read_record
from reglet.infrastructure.wire.go_json import list_text, object_text, string_text, to_bytes

_ATTRIBUTE_TYPES = frozenset(get_args(LogAttributeType))


def encode_log_message(message: LogMessage, call: CallContext | None = None) -> bytes:
    """Return a message as JSON; without a context, one that carries the message's request id."""
    attributes = message.attributes
    text = object_text(
        timestamp=f'"{format_time(message.timestamp)}"',
        level=string_text(message.level),
        message=string_text(message.message),
        attrs=list_text(map(_attribute_text, attributes)) if attributes else None,
        context=context_text(call or _context_of(message)),
    )
    return to_bytes(text)


def _context_of(message: LogMessage) -> CallContext:
    return CallContext(request_id=message.request_id) if message.request_id else NO_CONTEXT


def _attribute_text(attribute: LogAttribute) -> str:
    return object_text(
        key=string_text(attribute.key), type=string_text(attribute.type), value=string_text(attribute.value)
    )


def decode_log_message(data: bytes) -> tuple[LogMessage, CallContext]:
    """Return the message and context in JSON; an attribute of unknown type counts as text.

    Raises:
        WireFormatError: the bytes are not a message.
    """
    fields = read_record(data, "LogMessage")
    call = read_context(fields)
    message = LogMessage(
        level=fields.text("level"),
        message=fields.text("message"),
        attributes=[_attribute(each) for each in fields.records("attrs")],
        timestamp=fields.time("timestamp") or ZERO_TIME,
        request_id=call.request_id or None,
    )
    return message, call


def _attribute(fields: Fields) -> LogAttribute:
    kind = fields.text("type")
    known = kind if kind in _ATTRIBUTE_TYPES else "string"
    return LogAttribute(fields.text("key"), cast("LogAttributeType", known), fields.text("value"))
