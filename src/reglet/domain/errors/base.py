"""The root of every error of this SDK, and what an error that another one explains is made of."""

from __future__ import annotations

import builtins
from typing import ClassVar

from attrs import evolve

from reglet.domain.entities.error_detail import ErrorDetail
from reglet.domain.entities.json_value import JSONObject

Cause = BaseException | str | None


class RegletError(Exception):
    """The root of every error that this SDK raises on purpose."""

    error_type: ClassVar[str] = "internal"

    @property
    def code(self) -> str:
        """The short code of its `ErrorDetail`."""
        return ""

    @property
    def is_timeout(self) -> bool:
        """Whether time ran out."""
        return False

    @property
    def is_not_found(self) -> bool:
        """Whether the thing asked for does not exist."""
        return False

    @property
    def details(self) -> JSONObject:
        """Further facts for its `ErrorDetail`, JSON values by name."""
        return {}

    def detail(self) -> ErrorDetail:
        """Return the error as data, for a Result or a host's answer."""
        return ErrorDetail(
            type=self.error_type,
            message=str(self),
            code=self.code,
            is_timeout=self.is_timeout,
            is_not_found=self.is_not_found,
            details=self.details,
        )


def error_detail(error: BaseException) -> ErrorDetail:
    """Return any error as data.

    A `RegletError` in the chain of causes gives its own; anything else is of type `internal`.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, RegletError):
            return seen.detail()
        seen = seen.__cause__
    return ErrorDetail(type="internal", message=str(error) or type(error).__name__)


def because(text: str, cause: Cause) -> str:
    """Return a text with its cause behind it."""
    reason = "" if cause is None else str(cause) or type(cause).__name__
    if reason.startswith(text):
        return reason  # a host that speaks as we do has said it already
    return f"{text}: {reason}" if reason else text


class HostError(RegletError):
    """A host answered with an error of its own; its detail is passed on as it came."""

    def __init__(self, detail: ErrorDetail) -> None:
        """Take what the host said."""
        super().__init__(detail.message or detail.code or "the host answered with an empty error")
        self._detail = detail

    @property
    def code(self) -> str:
        """The host's code."""
        return self._detail.code

    @property
    def is_timeout(self) -> bool:
        """What the host said."""
        return self._detail.is_timeout

    @property
    def is_not_found(self) -> bool:
        """What the host said."""
        return self._detail.is_not_found

    def detail(self) -> ErrorDetail:
        """Return what the host said."""
        return self._detail


class CausedError(RegletError):
    """An error that another one, or a sentence, explains."""

    def __init__(self, text: str, cause: Cause) -> None:
        """Take what failed, and why."""
        super().__init__(because(text, cause))
        self.cause = cause
        if isinstance(cause, BaseException):
            self.__cause__ = cause

    @property
    def is_timeout(self) -> bool:
        """Whether the cause is a timeout."""
        return (
            isinstance(self.cause, builtins.TimeoutError) or getattr(self.cause, "is_timeout", False) is True
        )

    def detail(self) -> ErrorDetail:
        """Return the error as data; what a host said of the cause goes along whole."""
        detail = super().detail()
        return evolve(detail, wrapped=self.cause.detail()) if isinstance(self.cause, HostError) else detail
