"""Record host calls and their answers as JSON that any language can read, and play them back.

A recording is `{"format": "reglet-recording", "version": 1, "plugin": …, "config": …, "calls": [{"function",
"request", "answer"}]}`: requests and answers as on the wire (ABI section 2), secrets masked.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from reglet.domain.entities import JSONValue
from reglet.domain.entities.result import Result
from reglet.domain.errors import CapabilityError, RegletError
from reglet.domain.ports import HostFunctions, Plugin
from reglet.infrastructure.atomic import write_atomic
from reglet.testing.config_json import encode_config
from reglet.testing.masking import Masker, known_secrets
from reglet.testing.runners import InProcessRunner, NativeRunner, definition_of, runner_of

FORMAT = "reglet-recording"
VERSION = 1
_UNANSWERED = "log_message"


class RecordingError(RegletError):
    """A recording cannot be read or written; the text names the file and what is wrong with it."""

    error_type = "config"


@frozen
class RecordedCall:
    """One host call: its function, its request, and its answer; `refused` in place of an answer."""

    function: str
    request: JSONValue
    answer: JSONValue = None
    refused: str = ""


@frozen
class Recording:
    """The host calls of one run, in order, with the plugin and the config that made them."""

    calls: tuple[RecordedCall, ...] = ()
    plugin: str = ""
    config: JSONValue = None

    def to_json(self) -> str:
        """Return the recording as text with sorted keys, which two equal runs share."""
        calls: list[dict[str, JSONValue]] = [
            {
                "function": call.function,
                "request": call.request,
                **({"refused": call.refused} if call.refused else {"answer": call.answer}),
            }
            for call in self.calls
        ]
        document = {
            "format": FORMAT,
            "version": VERSION,
            "plugin": self.plugin,
            "config": self.config,
            "calls": calls,
        }
        return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    def save(self, path: Path) -> None:
        """Write the recording to a file, whole or not at all."""
        try:
            write_atomic(path, self.to_json().encode())
        except OSError as error:
            reason = error.strerror or error
            raise RecordingError(f"{path}: the recording cannot be written: {reason}") from error

    @classmethod
    def load(cls, path: Path) -> Recording:
        """Read a recording. Raises `RecordingError` if it is none."""
        try:
            document = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise RecordingError(f"{path}: the recording cannot be read: {error}") from error
        if not isinstance(document, Mapping) or document.get("format") != FORMAT:
            raise RecordingError(
                f'{path}: not a recording: "format" is not "{FORMAT}"; make one with --record'
            )
        if document.get("version") != VERSION:
            raise RecordingError(
                f"{path}: version {document.get('version')!r} of the format is not known, only {VERSION}"
            )
        calls = document.get("calls")
        if not isinstance(calls, list):
            raise RecordingError(f'{path}: the recording has no list of "calls"; make one with --record')
        return cls(
            tuple(_read(call, path) for call in calls), document.get("plugin", ""), document.get("config")
        )


class Recorder:
    """Host functions that pass on to others and write down both, secrets masked."""

    def __init__(self, functions: HostFunctions, *, secrets: Iterable[str] = ()) -> None:
        """Record calls to `functions`; `secrets` are texts to mask wherever they stand."""
        self._functions = functions
        self._masker = Masker(secrets)
        self._calls: list[RecordedCall] = []

    def call(self, name: str, request: bytes) -> bytes:
        """Pass a call on and write it down."""
        try:
            answer = self._functions.call(name, request)
        except CapabilityError as error:
            self._calls.append(RecordedCall(name, self._readable(request), refused=error.required))
            raise
        self._calls.append(RecordedCall(name, self._readable(request), self._readable(answer)))
        return answer

    def recording(self, *, plugin: str = "", config: JSONValue = None) -> Recording:
        """Return the calls so far; the config is masked like a request."""
        return Recording(tuple(self._calls), plugin, self._masker.masked(config))

    def _readable(self, message: bytes) -> JSONValue:
        return self._masker.masked(as_json(message))


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
        made = self._masker.masked(as_json(request))
        recorded = self._calls[self._next] if self._next < len(self._calls) else None
        if recorded is None or recorded.function != name or _compared(recorded.request) != _compared(made):
            raise self._refuse(RecordedCall(name, made), recorded)
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
        index = f"host call {self._next + 1} of {len(self._calls)}"
        if recorded is None:
            text = f"one host call more than the {len(self._calls)} recorded: {_line(made)}"
        else:
            lines = difflib.unified_diff(_pretty(recorded), _pretty(made), "recorded", "made", lineterm="")
            text = "\n".join([f"{index} differs from the recording:", *(f"  {line}" for line in lines)])
        error = ReplayMismatchError(text)
        self._mismatch = self._mismatch or error
        return error


def replayed(plugin: Plugin, path: Path, config: Mapping[str, Any] | None = None) -> Result:
    """Run the check of a recording again and return its Result.

    `config` stands in for the recorded one, for configs whose secrets were masked. The recording answers
    whatever runs the plugin, in place of the real host too. Raises `ReplayMismatchError` where a host call
    differs, and `RecordingError` for what is no recording.
    """
    recording = Recording.load(path)
    given = encode_config(config if config is not None else recording.config)
    replay = Replay(recording, secrets=known_secrets(given, plugin))
    runner = runner_of(plugin)
    if isinstance(runner, NativeRunner):
        runner = InProcessRunner(definition_of(plugin))
    result = runner.check(replay, given)
    replay.assert_faithful()
    return result


def as_json(message: bytes) -> JSONValue:
    """Return a message of the seam as JSON; empty is None, and what is no JSON is text."""
    if not message:
        return None
    try:
        return json.loads(message)
    except ValueError:
        return message.decode("utf-8", "replace")


def _read(call: Any, path: Path) -> RecordedCall:
    if not isinstance(call, Mapping) or not isinstance(call.get("function"), str):
        raise RecordingError(f'{path}: a call has no "function": {json.dumps(call)[:200]}')
    return RecordedCall(call["function"], call.get("request"), call.get("answer"), call.get("refused", ""))


def _compared(request: JSONValue) -> JSONValue:
    if not isinstance(request, Mapping):
        return request
    return {key: value for key, value in request.items() if key != "context"}


def _pretty(call: RecordedCall) -> list[str]:
    text = json.dumps(_compared(call.request), indent=2, sort_keys=True, ensure_ascii=False)
    return [call.function, *text.splitlines()]


def _line(call: RecordedCall) -> str:
    text = json.dumps(_compared(call.request), sort_keys=True, ensure_ascii=False)
    return f"{call.function} {text[:200]}"
