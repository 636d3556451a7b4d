"""ExecRequest and ExecResponse on the wire (ABI sections 2 and 5)."""

from __future__ import annotations

from reglet.domain.entities.error_detail import ErrorDetail
from reglet.domain.entities.records import CommandRequest, CommandResult
from reglet.infrastructure.wire.context import NO_CONTEXT, CallContext, context_text, read_context
from reglet.infrastructure.wire.dialect import Dialect
from reglet.infrastructure.wire.errors import optional_detail_text
from reglet.infrastructure.wire.failures import read_response
from reglet.infrastructure.wire.fields import Fields, read_record
from reglet.infrastructure.wire.go_json import (
    TRUE,
    list_text,
    object_text,
    optional_number,
    optional_text,
    string_text,
    to_bytes,
)
from reglet.infrastructure.wire.time import elapsed, milliseconds, span

_NO_RESULT = CommandResult()


def encode_command_request(request: CommandRequest, call: CallContext = NO_CONTEXT) -> bytes:
    """Return a request as JSON; both dialects read it."""
    environment = [string_text(f"{name}={value}") for name, value in (request.env or {}).items()]
    text = object_text(
        args=list_text(map(string_text, request.args)),
        env=list_text(environment) if environment else None,
        command=string_text(request.command),
        dir=optional_text(request.dir),
        context=context_text(call),
        timeout_ms=optional_number(milliseconds(request.timeout)),
    )
    return to_bytes(text)


def decode_command_request(data: bytes) -> tuple[CommandRequest, CallContext]:
    """Return the request and context in JSON.

    Raises:
        WireFormatError: the bytes are not such a request.
    """
    fields = read_record(data, "ExecRequest")
    request = CommandRequest(
        command=fields.text("command"),
        args=fields.texts("args"),
        dir=fields.text("dir") or None,
        env=_environment(fields) if fields.texts("env") else None,
        timeout=span(fields.integer("timeout_ms")),
    )
    return request, read_context(fields)


def _environment(fields: Fields) -> dict[str, str]:
    """Return variables by name; one without `=` is empty."""
    pairs = (variable.partition("=") for variable in fields.texts("env"))
    return {name: value for name, _, value in pairs}


def encode_command_response(
    result: CommandResult = _NO_RESULT, *, error: ErrorDetail | None = None, dialect: Dialect = Dialect.ABI
) -> bytes:
    """Return a response as JSON; that output was cut is said in both dialects."""
    text = object_text(
        error=optional_detail_text(error, dialect),
        stdout=string_text(result.stdout),
        stderr=string_text(result.stderr),
        exit_code=str(result.exit_code),
        duration_ms=optional_number(milliseconds(result.duration)),
        is_timeout=TRUE if result.is_timeout else None,
        stdout_truncated=TRUE if result.truncated else None,
    )
    return to_bytes(text)


def decode_command_response(data: bytes, needs: str = "") -> CommandResult:
    """Return the result in JSON.

    Raises:
        CapabilityError, HostError, WireFormatError: see `read_response`.
    """
    fields = read_response(data, "ExecResponse", needs)
    return CommandResult(
        stdout=fields.text("stdout"),
        stderr=fields.text("stderr"),
        exit_code=fields.integer("exit_code"),
        duration=elapsed(fields.integer("duration_ms")),
        is_timeout=fields.flag("is_timeout"),
        truncated=fields.flag("stdout_truncated") or fields.flag("stderr_truncated"),
    )
