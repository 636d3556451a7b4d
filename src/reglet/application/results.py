"""From what a handler did to a Result: returned, failed on purpose, or broke."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from reglet.application.models.redacting import Redaction
from reglet.application.models.writing import plain, writer_of
from reglet.application.operations import Operation
from reglet.application.tracebacks import author_traceback, one_line
from reglet.domain.entities.error_detail import ErrorDetail
from reglet.domain.entities.result import Result, result_error, result_failure, result_success
from reglet.domain.errors import CheckFailed, RegletError

OK = "ok"
"""The message of a check that its handler answered with data, as the Go SDK words it."""


def result_of(operation: Operation, outcome: Any) -> Result:
    """Return the Result of what a handler returned."""
    output = operation.output
    if output is not None and isinstance(outcome, output):
        return result_success(OK, writer_of(output)(outcome))
    if isinstance(outcome, Result):
        return evolve(outcome, data=plain(outcome.data)) if outcome.data else outcome
    if outcome is None:
        return result_success(OK)
    wanted = "a reglet.Result" if output is None else f"{output.__name__} or a reglet.Result"
    message = f"operation {operation} must return {wanted}, not {type(outcome).__name__}"
    return result_error(ErrorDetail("panic", message))


def result_of_error(error: BaseException) -> Result:
    """Return the Result of what was raised in a check; what is no error of ours counts as a bug."""
    if isinstance(error, CheckFailed):
        return result_failure(error.message, plain(error.data))
    if isinstance(error, RegletError):
        return result_error(error.detail())
    return result_error(ErrorDetail("panic", one_line(error), stack=_stack(error)))


def redacted(result: Result, redaction: Redaction) -> Result:
    """Return a Result without the secrets of the config that it answers."""
    return evolve(
        result,
        message=redaction.text(result.message),
        data=None if result.data is None else redaction.value(result.data),
        error=None if result.error is None else _redacted_detail(result.error, redaction),
    )


def _redacted_detail(detail: ErrorDetail, redaction: Redaction) -> ErrorDetail:
    return evolve(
        detail,
        message=redaction.text(detail.message),
        code=redaction.text(detail.code),
        details=redaction.value(detail.details),
        stack=redaction.text(detail.stack.decode(errors="replace")).encode(),
        wrapped=None if detail.wrapped is None else _redacted_detail(detail.wrapped, redaction),
    )


def _stack(error: BaseException) -> bytes:
    return author_traceback(error).encode(errors="backslashreplace")
