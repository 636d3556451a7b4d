"""Record host calls and their answers as JSON that any language can read, and play them back.

A recording is `{"format": "reglet-recording", "version": 1, "plugin": …, "config": …, "calls": [{"function",
"request", "answer"}]}`: requests and answers as on the wire (ABI section 2), secrets masked.
"""

from __future__ import annotations

import base64
import difflib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from reglet.domain.entities import JSONValue
from reglet.domain.entities.result import Result
from reglet.domain.errors import CapabilityError, RegletError
from reglet.domain.ports import LOG_FUNCTION, HostFunctions, Plugin
from reglet.infrastructure.atomic import PRIVATE, read_bounded, write_atomic
from reglet.testing.masking import MASK, Masker, known_secrets
from reglet.testing.runners import (
    DifferenceError,
    InProcessRunner,
    NativeRunner,
    definition_of,
    encode_config,
    runner_of,
)

FORMAT = "reglet-recording"
VERSION = 1
_VOLATILE_HEADERS = frozenset({"date", "x-amz-date", "traceparent", "x-request-id"})
"""Headers of requests that differ from run to run by nature."""

_logger = logging.getLogger(__name__)


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
        """Write the recording to a file that only its owner reads, whole or not at all."""
        try:
            write_atomic(path, self.to_json().encode(), mode=PRIVATE)
        except OSError as error:
            reason = error.strerror or error
            raise RecordingError(f"{path}: the recording cannot be written: {reason}") from error

    @classmethod
    def load(cls, path: Path) -> Recording:
        """Read a recording. Raises `RecordingError` if it is none."""
        try:
            with path.open("rb") as file:
                document = json.loads(read_bounded(file).decode())
        except (OSError, ValueError, RecursionError) as error:
            reason = getattr(error, "strerror", None) or error
            raise RecordingError(f"{path}: the recording cannot be read: {reason}") from error
        if not isinstance(document, Mapping) or document.get("format") != FORMAT:
            raise RecordingError(
                f'{path}: not a recording: "format" is not "{FORMAT}"; make one with --record'
            )
        if document.get("version") != VERSION:
            raise RecordingError(
                f"{path}: version {document.get('version')!r} of the format is not known, only {VERSION}"
            )
        listed = document.get("calls")
        if not isinstance(listed, list):
            raise RecordingError(f'{path}: the recording has no list of "calls"; make one with --record')
        calls = []
        for call in listed:
            if not isinstance(call, Mapping) or not isinstance(call.get("function"), str):
                raise RecordingError(f'{path}: a call has no "function": {json.dumps(call)[:200]}')
            calls.append(
                RecordedCall(
                    call["function"], call.get("request"), call.get("answer"), call.get("refused", "")
                )
            )
        return cls(tuple(calls), document.get("plugin", ""), document.get("config"))


class Recorder:
    """Host functions that pass on to others and write down both, secrets masked.

    What has a secret's name in any call is masked wherever it stands in all of them.
    """

    def __init__(self, functions: HostFunctions, *, secrets: Iterable[str] = ()) -> None:
        """Record calls to `functions`; `secrets` are strings to mask wherever they stand."""
        self._functions = functions
        self._masker = Masker(secrets)
        self._calls: list[RecordedCall] = []

    def call(self, name: str, request: bytes) -> bytes:
        """Pass a call on and write it down."""
        try:
            answer = self._functions.call(name, request)
        except CapabilityError as error:
            self._note(RecordedCall(name, as_json(request), refused=error.required))
            raise
        self._note(RecordedCall(name, as_json(request), as_json(answer)))
        return answer

    def recording(self, *, plugin: str = "", config: JSONValue = None) -> Recording:
        """Return the calls so far; the config is masked like a request."""
        self._masker.learn(config)
        masked = self._masker.masked
        calls = (
            evolve(call, request=masked(call.request), answer=masked(call.answer)) for call in self._calls
        )
        return Recording(tuple(calls), plugin, masked(config))

    def _note(self, call: RecordedCall) -> None:
        self._masker.learn(call.request)
        self._masker.learn(call.answer)
        self._calls.append(call)


class ReplayMismatchError(DifferenceError):
    """A run made other host calls than the recording holds."""


class Replay:
    """Host functions that answer from a recording.

    What differs from run to run by nature is not compared: the request's `context`, headers such as `Date`
    and `X-Amz-Date`, and log messages. What is masked in a recorded request fits anything.
    """

    def __init__(self, recording: Recording, *, secrets: Iterable[str] = ()) -> None:
        """Answer from `recording`; `secrets` are not shown where a request differs."""
        self._calls = [call for call in recording.calls if call.function != LOG_FUNCTION]
        self._masker = Masker(secrets)
        self._next = 0
        self._mismatch: ReplayMismatchError | None = None

    @property
    def masks(self) -> tuple[str, ...]:
        """The masked parts of the answers given so far, such as `host call 1: headers.Set-Cookie.0`."""
        return tuple(
            f"host call {number}: {path}"
            for number, call in enumerate(self._calls[: self._next], 1)
            for path in _masked_paths(call.answer)
        )

    @property
    def note(self) -> str:
        """A sentence about the masks that the replay met; empty if it met none."""
        if not self.masks:
            return ""
        where = ", ".join(self.masks)
        return f"the recording masks secrets in its answers, so what is made of them may differ: {where}"

    def call(self, name: str, request: bytes) -> bytes:
        """Answer a call as recorded. Raises `ReplayMismatchError` where it differs."""
        if name == LOG_FUNCTION:
            return b""
        made = as_json(request)
        recorded = self._calls[self._next] if self._next < len(self._calls) else None
        if (
            recorded is not None
            and recorded.function == name
            and _equal_but_for_masks(_compared(recorded.request), _compared(made))
        ):
            self._next += 1
            if recorded.refused:
                raise CapabilityError(recorded.refused, hint="as recorded")
            return b"" if recorded.answer is None else json.dumps(recorded.answer).encode()

        self._masker.learn(made)
        shown = RecordedCall(name, self._masker.masked(made))
        if recorded is None:
            lines = [f"one host call more than the {len(self._calls)} recorded: {_line(shown)}"]
        else:
            diff = difflib.unified_diff(_pretty(recorded), _pretty(shown), "recorded", "made", lineterm="")
            index = f"host call {self._next + 1} of {len(self._calls)}"
            lines = [f"{index} differs from the recording:", *(f"  {line}" for line in diff)]
        error = ReplayMismatchError("\n".join([*lines, *filter(None, [self.note])]))
        self._mismatch = self._mismatch or error
        raise error

    def assert_faithful(self) -> None:
        """Raise `ReplayMismatchError` if a call differed, or if recorded calls were not made."""
        __tracebackhide__ = True
        if self._mismatch is not None:
            raise self._mismatch
        left = self._calls[self._next :]
        if left:
            lines = [f"{len(left)} recorded calls were not made:", *(f"  {_line(call)}" for call in left)]
            raise ReplayMismatchError("\n".join([*lines, *filter(None, [self.note])]))


def replayed(plugin: Plugin, path: Path, config: Mapping[str, Any] | None = None) -> Result:
    """Run the check of a recording again and return its Result.

    `config` stands in for the recorded one, for configs whose secrets were masked. The recording answers
    whatever runs the plugin, in place of the real host too. What is masked in the config or in the answers
    is logged as a warning, which pytest shows with a test that fails.

    Raises `ReplayMismatchError` where a host call differs, and `RecordingError` for what is no recording.
    """
    __tracebackhide__ = True
    recording = Recording.load(path)
    masked = () if config is not None else tuple(_masked_paths(recording.config))
    if masked:
        _logger.warning("%s masks %s of its config; pass a config to replay with", path, ", ".join(masked))
    given = encode_config(config if config is not None else recording.config)
    replay = Replay(recording, secrets=known_secrets(given, plugin))
    runner = runner_of(plugin)
    if isinstance(runner, NativeRunner):
        runner = InProcessRunner(definition_of(plugin))
    result = runner.check(replay, given)
    replay.assert_faithful()
    if replay.note:
        _logger.warning("%s: %s", path, replay.note)
    return result


def as_json(message: bytes) -> JSONValue:
    """Return a message of the seam as JSON; empty is None, and what is no JSON is text."""
    if not message:
        return None
    try:
        return json.loads(message)
    except (ValueError, RecursionError):
        return message.decode("utf-8", "replace")


def _compared(request: JSONValue) -> JSONValue:
    """Return what is compared of a request: what is masked in a recorded one fits anything."""
    if not isinstance(request, Mapping):
        return request
    kept = {key: value for key, value in request.items() if key != "context"}
    headers = kept.get("headers")
    if isinstance(headers, Mapping):
        kept["headers"] = {
            name: item for name, item in headers.items() if name.lower() not in _VOLATILE_HEADERS
        }
    return kept


def _equal_but_for_masks(recorded: JSONValue, made: JSONValue) -> bool:
    if isinstance(recorded, Mapping):
        return (
            isinstance(made, Mapping)
            and recorded.keys() == made.keys()
            and all(
                _equal_bodies(value, made[key]) if key == "body" else _equal_but_for_masks(value, made[key])
                for key, value in recorded.items()
            )
        )
    if isinstance(recorded, list):
        return (
            isinstance(made, list)
            and len(recorded) == len(made)
            and all(map(_equal_but_for_masks, recorded, made))
        )
    if isinstance(recorded, str) and MASK in recorded:
        return _fits_around_masks(recorded, made if isinstance(made, str) else json.dumps(made))
    return type(recorded) is type(made) and recorded == made


def _equal_bodies(recorded: JSONValue, made: JSONValue) -> bool:
    if recorded == made or not isinstance(recorded, str) or not isinstance(made, str):
        return _equal_but_for_masks(recorded, made)
    plain = [_decoded(body) for body in (recorded, made)]
    if MASK not in plain[0]:
        return False
    if _fits_around_masks(*plain):
        return True
    try:  # the same JSON but for masks, in place of numbers too
        return _equal_but_for_masks(*map(json.loads, plain))
    except (ValueError, RecursionError):
        return False


def _fits_around_masks(recorded: str, made: str) -> bool:
    first, *between, last = recorded.split(MASK)
    if len(made) < len(first) + len(last) or not made.startswith(first) or not made.endswith(last):
        return False
    index, end = len(first), len(made) - len(last)
    for part in between:
        found = made.find(part, index, end)
        if found < 0:
            return False
        index = found + len(part)
    return True


def _decoded(body: str) -> str:
    """Return the text of a body, which the ABI sends in base64 and the older dialect as it is."""
    try:
        return base64.b64decode(body, validate=True).decode("utf-8", "replace")
    except ValueError:
        return body


def _masked_paths(value: JSONValue, path: str = "") -> Iterator[str]:
    """Yield where a recorded answer is masked."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _masked_paths(item, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _masked_paths(item, f"{path}.{index}".lstrip("."))
    elif isinstance(value, str) and MASK in (_decoded(value) if path.endswith("body") else value):
        yield path


def _pretty(call: RecordedCall) -> list[str]:
    request = _compared(call.request)
    if isinstance(request, Mapping) and isinstance(request.get("body"), str):
        request = {**request, "body": _decoded(str(request["body"]))}
    text = json.dumps(request, indent=2, sort_keys=True, ensure_ascii=False)
    return [call.function, *text.splitlines()]


def _line(call: RecordedCall) -> str:
    text = json.dumps(_compared(call.request), sort_keys=True, ensure_ascii=False)
    return f"{call.function} {text[:200]}"
