"""Results: what a handler returned or raised, or the missing grant that it ran into."""

from __future__ import annotations

import errno
import importlib
import json
import os
import posixpath
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, Literal, NamedTuple

import attrs
from attrs import evolve

from reglet.application.models.redaction import Redaction
from reglet.application.models.to_json import TypeMismatchError, data_mismatch, to_json
from reglet.application.names import suggestion
from reglet.application.operations import Operation
from reglet.domain.entities.result import (
    ErrorDetail,
    Result,
    ResultStatus,
    result_error,
    result_failure,
    result_success,
)
from reglet.domain.errors import CapabilityError, CheckFailed, RegletError


class RefusedLook(NamedTuple):
    """Which grant a look would have taken, and the path that was asked for where a link led from it.

    Of `env` the path is a variable's name: the path of which it is a part is not known.
    """

    operation: Literal["read", "write", "env"]
    path: str
    asked: str = ""


class RefusedLooks:
    """Collects the refused looks of the check under way. In process there are none to take."""

    __slots__ = ("_config", "_earlier", "_kept", "forget", "read", "take")

    def __init__(self) -> None:
        self.take: Callable[[], Sequence[Any] | None] = tuple
        """Returns those since it was last called, in whatever form; a guest puts its own here."""
        self.read: Callable[[Sequence[Any]], Sequence[RefusedLook]] = list
        """Returns what that form stands for."""
        self.forget: Callable[[], None] = lambda: None
        """Forgets what functions keep of earlier calls, which may be of what was not seen; likewise."""
        self._kept: list[RefusedLook] = []
        self._config: int | None = None
        self._earlier: dict[int | None, list[RefusedLook]] = {}

    def begin(self, config: bytes | None = None) -> None:
        """Forget those so far: a check begins; with a config, one that may have been there before."""
        self._config = None if config is None else hash(config)  # the config itself may hold secrets
        self.take()
        if self._kept:
            self._kept = []

    def keep(self) -> None:
        """Keep those so far, so that `take` returns only later ones."""
        if taken := self.take():
            self._kept += self.read(taken)

    def judged(self, result: Result) -> Result:
        """Return a Result as it is, or an error instead if a look was refused before it.

        What an instance may see does not change. So a check that was refused a look is refused it again; if
        it does not look again, it answers from what the first one left in its module.
        """
        self.keep()
        looks = self._kept or self._earlier.get(self._config)
        if not looks:
            return result
        if self._kept:
            self.forget()
            if self._config is not None and len(self._earlier) < _MOST_REMEMBERED:
                self._earlier[self._config] = self._kept
        detail = _denial(looks).detail()
        earlier = result.error
        if earlier is None:
            return result_error(detail)
        follows = earlier.type == "panic" or earlier.code.startswith(("fs:", "env:"))
        return result_error(evolve(detail, stack=earlier.stack, wrapped=None if follows else earlier))


_MOST_REMEMBERED = 1000
"""Configs of which an instance knows that a look was refused."""

refused_looks = RefusedLooks()
"""Those of this module; a module answers one check at a time."""


@contextmanager
def refusals_are_answers() -> Iterator[None]:
    """Take a refusal for an answer, for what is looked at in the block.

    In a sandbox nothing is seen of a path that no grant covers: `open` raises `PermissionError`, and
    `os.path.exists` and `glob` find nothing. So a Result after such a look is an error of type capability,
    whatever the handler returns. Looks in this block do not count: use it where a file is one of several
    sources, or where being refused is what the check is about. In process it changes nothing.
    """
    refused_looks.keep()
    try:
        yield
    finally:
        refused_looks.take()


def denial_of(error: BaseException) -> CapabilityError | None:
    """Return what a guest's error means if a missing grant is behind it, None otherwise."""
    if sys.platform != "wasi" or not isinstance(error, OSError) or error.errno not in _REFUSALS:
        return None
    path = os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else ""
    return _denial([RefusedLook(_REFUSALS[error.errno], path)])


_REFUSALS: dict[int, Literal["read", "write"]] = {
    errno.EPERM: "read",
    getattr(errno, "ENOTCAPABLE", errno.EPERM): "read",
    errno.EROFS: "write",
}


def _denial(looks: Sequence[RefusedLook]) -> CapabilityError:
    """Return the error for the first of some looks, with a rule for all of them.

    A directory is left out if it was only passed on the way to another of them, as `realpath` does. Where a
    variable is missing, the paths are not those that were meant.
    """
    variables = list(dict.fromkeys(look.path for look in looks if look.operation == "env"))
    if variables:
        names = ", ".join(map(json.dumps, variables))
        hint = (
            f"the host gives no such variable, and a path needs it: add {names} to env.vars, and set it there"
        )
        return CapabilityError(f"env:{variables[0]}", hint=hint)
    paths = {each.path for each in looks}
    ends = [
        look
        for look in dict.fromkeys(looks)
        if not any(path != look.path and path.startswith(look.path.rstrip("/") + "/") for path in paths)
    ]
    operations = dict.fromkeys(look.operation for look in ends)
    rule = {
        each: list(dict.fromkeys(look.path for look in ends if look.operation == each)) for each in operations
    }
    first = ends[0]
    leads = f"{first.asked} leads there; " if first.asked not in ("", first.path) else ""
    hint = f"{leads}add {json.dumps(rule, ensure_ascii=False)} to fs.rules"
    return CapabilityError(f"fs:{first.operation}:{first.path}", hint=hint)


def _folder(function: Callable[..., Any], levels: int) -> str:
    """Return the folder `levels` above a function's file, as frames name it."""
    path = function.__code__.co_filename.replace("\\", "/")
    for _ in range(levels):
        path = posixpath.dirname(path)
    return path + "/"


_PACKAGES = _folder(attrs.define, 2)
_OURS = (
    _folder(_folder, 2),
    f"{_PACKAGES}attr/",
    f"{_PACKAGES}cattrs/",
    "<attrs generated",
    "<cattrs generated",
    _folder(importlib.import_module, 1),
    "<frozen importlib.",
)
_MOST_FRAMES = 40
_MOST_CHARACTERS = 16 * 1024


def author_traceback(error: BaseException) -> str:
    """Return the traceback of an error without the frames of reglet, attrs, cattrs and the import system."""
    summary = traceback.TracebackException.from_exception(error, limit=-_MOST_FRAMES, compact=True)
    pending = [summary]
    while pending:
        each = pending.pop()
        kept = [frame for frame in each.stack if not frame.filename.replace("\\", "/").startswith(_OURS)]
        each.stack = traceback.StackSummary.from_list(kept)
        linked = (each.__cause__, each.__context__, *(each.exceptions or ()))
        pending += [link for link in linked if link is not None]
    written = "".join(summary.format())
    return written if len(written) <= _MOST_CHARACTERS else "…" + written[-_MOST_CHARACTERS:]


def raising_frame(error: BaseException) -> FrameType | None:
    """Return the frame in which an error was raised; None for one that never was."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return frames[-1] if frames else None


def one_line(error: BaseException) -> str:
    """Return an error as `Type: message`, even where it has no readable message."""
    name = type(error).__name__
    if isinstance(error, attrs.exceptions.FrozenInstanceError):
        return f"{name}: can't set attribute: a model does not change; make another with attrs.evolve(…)"
    try:
        message = str(error)
    except Exception as unsayable:  # noqa: BLE001 - an author's __str__ may raise anything
        message = f"<its message cannot be had: {type(unsayable).__name__}>"
    if isinstance(error, AttributeError) and error.name and attrs.has(type(error.obj)):
        names = [each for each in dir(error.obj) if each[0] != "_"]
        message += suggestion(error.name, names) or f"; it has {', '.join(names)}"
    return f"{name}: {message}" if message else name


def _advice(error: BaseException) -> str:
    """Return what to say of a bug behind its message: of an argument that no model has, or of a variable."""
    frame = raising_frame(error)
    if frame is None:
        return ""
    if isinstance(error, KeyError) and frame.f_code is type(os.environ).__getitem__.__code__:
        return "; the variable is not set, or not granted: declare it in the plugin's env capability"
    if type(error) is not TypeError:  # one of the author's may have any message, or none
        return ""
    called, _, argument = str(error).partition(".__init__() got an unexpected keyword argument ")
    model = frame.f_globals.get(called)
    if not argument.endswith("'") or not isinstance(model, type) or not attrs.has(model):
        return ""  # from Python 3.14 on it may end in a suggestion
    names = [each.alias or each.name for each in attrs.fields(model)]
    return suggestion(argument.strip("'"), names) or f"; it takes {', '.join(names)}"


OK = "ok"
"""The message of a check that its handler answered with data, as the Go SDK words it."""

_SUCCESS = ResultStatus.SUCCESS  # to look a member up takes a guest as long as four fields of the Result


def result_of(operation: Operation, outcome: Any) -> Result:
    """Return the Result of what a handler returned."""
    output = operation.signature.output
    if output is not None and isinstance(outcome, output):
        try:
            return Result(_SUCCESS, OK, operation.output_to_json(outcome))
        except TypeMismatchError as error:
            message = f"operation {operation} returned {output.__name__} whose {error}"
            return result_error(ErrorDetail("panic", message))
    if isinstance(outcome, Result):
        if outcome.is_error and outcome.error is None:  # hosts take an error without its detail for a verdict
            outcome = evolve(
                outcome, error=ErrorDetail("execution", outcome.message or f"{operation} failed")
            )
        return _with_json(outcome, f"operation {operation}") if outcome.data is not None else outcome
    if outcome is None and operation.signature.may_return_none:
        return result_success(OK)
    wanted = "a reglet.Result" if output is None else f"{output.__name__} or a reglet.Result"
    returned = "None: is a return missing?" if outcome is None else type(outcome).__name__
    message = f"operation {operation} must return {wanted}, not {returned}"
    return result_error(ErrorDetail("panic", message))


def _with_json(result: Result, what: object) -> Result:
    """Return a Result with its data as JSON; `what` made it, and has a bug if that cannot be."""
    try:
        mismatch, data = data_mismatch(result.data), to_json(result.data)
    except RecursionError:
        return result_error(ErrorDetail("panic", f"{what} gave data that is nested too deeply, or in itself"))
    if mismatch is not None:
        return result_error(ErrorDetail("panic", f"{what} gave data whose {mismatch}"))
    if data is None or isinstance(data, Mapping):
        return evolve(result, data=data)
    message = f'{what} gave the data {data!r}: data is an object, so give it a name: {{"found": …}}'
    return result_error(ErrorDetail("panic", message))


def result_of_error(error: BaseException) -> Result:
    """Return the Result of what was raised in a check; what is no error of ours counts as a bug."""
    if isinstance(error, CheckFailed):
        failed: Any = error.data
        return _with_json(result_failure(error.message, failed), f"CheckFailed({error.message!r})")
    if isinstance(error, RegletError):
        return result_error(error.detail())
    stack = author_traceback(error).encode(errors="backslashreplace")
    denial = denial_of(error)
    if denial is not None:
        return result_error(evolve(denial.detail(), stack=stack))
    return result_error(ErrorDetail("panic", one_line(error) + _advice(error), stack=stack))


def redacted(result: Result, redaction: Redaction) -> Result:
    """Return a Result without the secrets of the config that it answers."""
    return evolve(
        result,
        message=redaction.string(result.message),
        data=None if result.data is None else redaction.value(result.data),
        error=None if result.error is None else _redacted_detail(result.error, redaction),
    )


def _redacted_detail(detail: ErrorDetail, redaction: Redaction) -> ErrorDetail:
    return evolve(
        detail,
        message=redaction.string(detail.message),
        code=redaction.string(detail.code),
        details=redaction.value(detail.details),
        stack=redaction.string(detail.stack.decode(errors="replace")).encode(),
        wrapped=None if detail.wrapped is None else _redacted_detail(detail.wrapped, redaction),
    )
