"""Record host calls and their answers as JSON that any language can read, and play them back.

A recording is `{"format": "reglet-recording", "version": 1, "plugin": …, "config": …, "calls": [{"function",
"request", "answer"}]}`: requests and answers as on the wire (ABI section 2), secrets masked.
"""

from __future__ import annotations

import base64
import difflib
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from threading import Lock, get_ident
from typing import Any

from attrs import evolve, frozen

from reglet.application.names import quoted, suggestion
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
_VOLATILE_FIELDS = frozenset({"context", "timeout_ms"})
"""Fields of requests that say how much time is left."""

_VOLATILE_HEADERS = frozenset(
    {"date", "idempotency-key", "traceparent", "tracestate", "x-amz-date", "x-correlation-id", "x-request-id"}
)
"""Headers of requests that differ from run to run by nature."""

_USER_OF_URL = re.compile(r"(?<=://)[^/?#]*@")

_logger = logging.getLogger(__name__)


class RecordingError(RegletError):
    """A recording cannot be read or written; the message names the file and what is wrong with it."""

    error_type = "config"


@frozen
class RecordedCall:
    """One host call: its function, its request, and its answer; `refused` in place of an answer.

    Attributes:
        thread: the number of the thread that made it; where there were several, calls came in any order.
    """

    function: str
    request: JSONValue
    answer: JSONValue = None
    refused: str = ""
    thread: int = 0


@frozen
class Recording:
    """The host calls of one run, in order, with the plugin and the config that made them."""

    calls: tuple[RecordedCall, ...] = ()
    plugin: str = ""
    config: JSONValue = None

    def to_json(self) -> str:
        """Return the recording as JSON with sorted keys: of two equal runs the same."""
        calls: list[dict[str, JSONValue]] = [
            {
                "function": call.function,
                "request": call.request,
                **({"refused": call.refused} if call.refused else {"answer": call.answer}),
                **({"thread": call.thread} if call.thread else {}),
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
                document = json.loads(read_bounded(file).decode("utf-8-sig"))
        except (OSError, ValueError, RecursionError) as error:
            is_deep = isinstance(error, RecursionError)
            reason = "it is nested too deeply" if is_deep else getattr(error, "strerror", None) or error
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
        for number, call in enumerate(listed, 1):
            try:
                calls.append(_read_call(call))
            except ValueError as error:
                raise RecordingError(f"{path}: call {number}: {error}") from None
        return cls(tuple(calls), str(document.get("plugin", "")), document.get("config"))


def _read_call(call: object) -> RecordedCall:
    """Return a call as a file has it, which a person may have written; raises `ValueError` if it is none."""
    if not isinstance(call, Mapping):
        raise ValueError(f"it is not an object: {json.dumps(call)[:200]}")  # noqa: TRY004 - of a file
    kinds = {"function": str, "request": object, "answer": object, "refused": str, "thread": int}
    for name, value in call.items():
        if name not in kinds:
            meant = suggestion(name, kinds) or f"; there are {quoted(list(kinds))}"
            raise ValueError(f'it has a "{name}"{meant}')
        if not isinstance(value, kinds[name]):
            raise ValueError(f'its "{name}" is {json.dumps(value)[:200]}')  # noqa: TRY004 - as above
    for needed in ("function", "request"):
        if needed not in call:
            raise ValueError(f'it has no "{needed}": {json.dumps(call)[:200]}')
    if "answer" not in call and "refused" not in call:
        raise ValueError('it has neither an "answer" nor a "refused"; an answer of nothing is null')
    return RecordedCall(**call)


class Recorder:
    """Host functions that pass on to others and write down both, secrets masked.

    What has a secret's name in any call is masked wherever it stands in all of them.
    """

    def __init__(self, functions: HostFunctions, *, secrets: Iterable[str] = ()) -> None:
        """Record calls to `functions`; `secrets` are strings to mask wherever they stand."""
        self._functions = functions
        self._masker = Masker(secrets)
        self._calls: list[RecordedCall] = []
        self._threads: dict[int, int] = {}
        self._lock = Lock()

    def call(self, name: str, request: bytes) -> bytes:
        """Pass a call on and write it down."""
        try:
            answer = self._functions.call(name, request)
        except CapabilityError as error:
            self._note(name, request, refused=error.required)
            raise
        self._note(name, request, as_json(answer))
        return answer

    def recording(self, *, plugin: str = "", config: JSONValue = None) -> Recording:
        """Return the calls so far; the config is masked like a request."""
        self._masker.learn(config)
        masked = self._masker.masked
        calls = (
            evolve(call, request=masked(call.request), answer=masked(call.answer)) for call in self._calls
        )
        return Recording(tuple(calls), plugin, self._masker.masked_config(config))

    def _note(self, name: str, request: bytes, answer: JSONValue = None, refused: str = "") -> None:
        with self._lock:
            thread = self._threads.setdefault(get_ident(), len(self._threads))
            call = RecordedCall(name, as_json(request), answer, refused, thread)
            self._masker.learn(call.request)
            self._masker.learn(call.answer)
            self._calls.append(call)


class ReplayMismatchError(DifferenceError):
    """A run made other host calls than the recording holds."""


class Replay:
    """Host functions that answer from a recording.

    What differs from run to run by nature is not compared: how much time is left, headers such as `Date` and
    `X-Amz-Date`, and log messages; nor is the order of calls that several threads made. What is masked in a
    recorded request fits anything, and where an answer repeats it, it is what the request has now.
    """

    def __init__(self, recording: Recording, *, secrets: Iterable[str] = ()) -> None:
        """Answer from `recording`; `secrets` are not shown where a request differs."""
        self._calls = [call for call in recording.calls if call.function != LOG_FUNCTION]
        self._in_order = len({call.thread for call in self._calls}) <= 1
        self._left = list(range(len(self._calls)))
        self._answers: dict[int, JSONValue] = {}
        self._masker = Masker(secrets)
        self._mismatch: ReplayMismatchError | None = None
        self._lock = Lock()

    @property
    def masks(self) -> tuple[str, ...]:
        """The masked parts of the answers given so far, such as `host call 1: headers.Set-Cookie.0`."""
        return tuple(
            f"host call {index + 1}: {path}"
            for index, answer in sorted(self._answers.items())
            for path in _masked_paths(answer)
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
        with self._lock:
            for index in self._left[:1] if self._in_order else self._left:
                recorded = self._calls[index]
                if recorded.function == name and _equal_but_for_masks(
                    _compared(recorded.request), _compared(made)
                ):
                    self._left.remove(index)
                    unmasked = sorted(_unmasked(recorded.request, made), key=lambda pair: -len(pair[0]))
                    answer = _repeating(recorded.answer, unmasked) if unmasked else recorded.answer
                    self._answers[index] = answer
                    break
            else:
                raise self._differs(name, made)
        if recorded.refused:
            raise CapabilityError(recorded.refused, hint="as recorded")
        if isinstance(answer, str):  # of a host that answered no JSON
            return answer.encode()
        return b"" if answer is None else json.dumps(answer).encode()

    def _differs(self, name: str, made: JSONValue) -> ReplayMismatchError:
        """Return how a call differs from the one whose turn it is, or from one that is like it."""
        self._masker.learn(made)
        shown, left = RecordedCall(name, self._masker.masked(made)), [self._calls[i] for i in self._left]
        if not left:
            lines = [f"one host call more than the {len(self._calls)} recorded: {_line(shown)}"]
        else:
            recorded, how = left[0], "differs from the recording:"
            if not self._in_order:
                recorded = next((call for call in left if call.function == name), recorded)
                how = "is none of those that are left, which several threads made; it is like this one:"
            diff = difflib.unified_diff(_pretty(recorded), _pretty(shown), "recorded", "made", lineterm="")
            index = f"host call {len(self._answers) + 1} of {len(self._calls)}"
            lines = [f"{index} {how}", *(f"  {line}" for line in diff)]
        error = ReplayMismatchError("\n".join([*lines, *filter(None, [self.note])]))
        self._mismatch = self._mismatch or error
        return error

    def assert_faithful(self) -> None:
        """Raise `ReplayMismatchError` if a call differed, or if recorded calls were not made."""
        __tracebackhide__ = True
        if self._mismatch is not None:
            raise self._mismatch
        left = [self._calls[index] for index in self._left]
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
    """Return a message of the seam as JSON; empty is None, and what is no JSON a string."""
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
    kept = {key: value for key, value in request.items() if key not in _VOLATILE_FIELDS}
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


def _unmasked(recorded: JSONValue, made: JSONValue, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield the strings of a recorded request that hold more than a mask, each with what is there now."""
    if isinstance(recorded, Mapping) and isinstance(made, Mapping):
        for name in recorded:
            yield from _unmasked(recorded[name], made.get(name), name)
    elif isinstance(recorded, list) and isinstance(made, list):
        for one, other in zip(recorded, made, strict=False):
            yield from _unmasked(one, other)
    elif isinstance(recorded, str) and isinstance(made, str):
        if key == "body":
            recorded, made = _decoded(recorded), _decoded(made)
        if key == "url":  # as errors have it
            yield from _unmasked(*(_USER_OF_URL.sub("", url) for url in (recorded, made)))
        if MASK in recorded and recorded != MASK:
            yield recorded, made


def _repeating(answer: JSONValue, unmasked: list[tuple[str, str]], key: str = "") -> JSONValue:
    """Return an answer with what it repeats of the request as the request has it now."""
    if isinstance(answer, Mapping):
        return {name: _repeating(item, unmasked, name) for name, item in answer.items()}
    if isinstance(answer, list):
        return [_repeating(item, unmasked) for item in answer]
    if not isinstance(answer, str):
        return answer
    string = text = _decoded(answer) if key == "body" else answer
    for recorded, made in unmasked:
        string = string.replace(recorded, made)
    if string == text or "\ufffd" in text:  # a body that is no string
        return answer
    return base64.b64encode(string.encode()).decode() if text != answer else string


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
    """Return a body as a string, which the ABI sends in base64 and the older dialect as it is."""
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
