"""Play a recording back: the same calls in the same order get the same answers, any other is refused."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping

from reglet.domain.entities.json_value import JSONValue
from reglet.domain.errors import CapabilityError, RegletError
from reglet.testing.masking import Masker
from reglet.testing.recording import RecordedCall, Recording, as_json

_UNANSWERED = "log_message"


class ReplayMismatchError(RegletError, AssertionError):
    """A run made other host calls than the recording holds."""


class Replay:
    """Host functions that answer from a recording.

    What differs from run to run by nature is not compared: the request's `context`, and log messages.
    """

    def __init__(self, recording: Recording, *, secrets: Iterable[str] = ()) -> None:
        """Answer from `recording`, whose requests were masked with the same `secrets`."""
        self._calls = [call for call in recording.calls if call.function != _UNANSWERED]
        self._masker = Masker(secrets)
        self._next = 0
        self._mismatch: ReplayMismatchError | None = None

    def call(self, name: str, request: bytes) -> bytes:
        """Answer a call as recorded. Raises `ReplayMismatchError` where it differs."""
        if name == _UNANSWERED:
            return b""
        said = self._masker.masked(as_json(request))
        recorded = self._calls[self._next] if self._next < len(self._calls) else None
        if recorded is None or recorded.function != name or _compared(recorded.request) != _compared(said):
            raise self._refuse(RecordedCall(name, said), recorded)
        self._next += 1
        if recorded.refused:
            raise CapabilityError(recorded.refused, hint="as recorded")
        return b"" if recorded.answer is None else json.dumps(recorded.answer).encode()

    def assert_faithful(self) -> None:
        """Raise `ReplayMismatchError` if a call differed, or if recorded calls were not made."""
        if self._mismatch is not None:
            raise self._mismatch
        left = self._calls[self._next :]
        if left:
            lines = [f"{len(left)} recorded calls were not made:", *(f"  {_line(call)}" for call in left)]
            raise ReplayMismatchError("\n".join(lines))

    def _refuse(self, made: RecordedCall, recorded: RecordedCall | None) -> ReplayMismatchError:
        place = f"host call {self._next + 1} of {len(self._calls)}"
        if recorded is None:
            text = f"one host call more than the {len(self._calls)} recorded: {_line(made)}"
        else:
            text = "\n".join([f"{place} differs from the recording:", *_difference(recorded, made)])
        error = ReplayMismatchError(text)
        self._mismatch = self._mismatch or error
        return error


def _compared(request: JSONValue) -> JSONValue:
    if not isinstance(request, Mapping):
        return request
    return {key: value for key, value in request.items() if key != "context"}


def _difference(recorded: RecordedCall, made: RecordedCall) -> list[str]:
    lines = difflib.unified_diff(_pretty(recorded), _pretty(made), "recorded", "made", lineterm="")
    return [f"  {line}" for line in lines]


def _pretty(call: RecordedCall) -> list[str]:
    text = json.dumps(_compared(call.request), indent=2, sort_keys=True, ensure_ascii=False)
    return [call.function, *text.splitlines()]


def _line(call: RecordedCall) -> str:
    text = json.dumps(_compared(call.request), sort_keys=True, ensure_ascii=False)
    return f"{call.function} {text[:200]}"
