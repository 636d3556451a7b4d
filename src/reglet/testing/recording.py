"""Record host calls and their answers as JSON that any language can read, and play them back.

A recording is `{"format": "reglet-recording", "version": 1, "plugin": …, "config": …, "calls": [{"function",
"request", "answer"}]}`: requests and answers as on the wire (ABI section 2), secrets masked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from reglet.domain.entities.json_value import JSONValue
from reglet.domain.errors import CapabilityError, RegletError
from reglet.domain.ports import HostFunctions
from reglet.infrastructure.atomic import write_atomic
from reglet.testing.masking import Masker

FORMAT = "reglet-recording"
VERSION = 1


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
        calls = [_written(call) for call in self.calls]
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
        except (OSError, ValueError) as error:
            raise RecordingError(f"{path}: the recording cannot be read: {error}") from error
        if not isinstance(document, Mapping) or document.get("format") != FORMAT:
            raise RecordingError(
                f'{path}: not a recording: "format" is not "{FORMAT}"; make one with --record'
            )
        if document.get("version") != VERSION:
            raise RecordingError(
                f"{path}: version {document.get('version')!r} of the format is not known, only {VERSION}"
            )
        calls = tuple(_read(call, path) for call in document["calls"])
        return cls(calls, document["plugin"], document["config"])


class Recorder:
    """Host functions that pass on to others and write down what was said, secrets masked."""

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
        """Return what was said so far; the config is masked like a request."""
        return Recording(tuple(self._calls), plugin, self._masker.masked(config))

    def _readable(self, message: bytes) -> JSONValue:
        return self._masker.masked(as_json(message))


def as_json(message: bytes) -> JSONValue:
    """Return a message of the seam as JSON; empty is None, and what is no JSON is text."""
    if not message:
        return None
    try:
        return json.loads(message)
    except ValueError:
        return message.decode("utf-8", "replace")


def _written(call: RecordedCall) -> dict[str, Any]:
    written: dict[str, Any] = {"function": call.function, "request": call.request}
    return {**written, "refused": call.refused} if call.refused else {**written, "answer": call.answer}


def _read(call: Any, path: Path) -> RecordedCall:
    if not isinstance(call, Mapping) or not isinstance(call.get("function"), str):
        raise RecordingError(f'{path}: a call has no "function": {json.dumps(call)[:200]}')
    return RecordedCall(call["function"], call.get("request"), call.get("answer"), call.get("refused", ""))
