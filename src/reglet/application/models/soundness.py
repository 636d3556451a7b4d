"""Whether what is said of a field can be true: limits that leave room, defaults and examples that fit."""

from __future__ import annotations

import math
from typing import Any

from reglet.application.models.marks import Marks
from reglet.application.models.parsing import parse_shape
from reglet.application.models.shapes import ABSENT, Field
from reglet.application.models.writing import write_shape
from reglet.domain.errors import DefinitionError


def check_field(read: Field) -> None:
    """Raise `DefinitionError` if a limit, the default or an example of a field cannot be meant."""
    _check_limits(read.marks)
    if isinstance(read.marks.examples, str):
        raise DefinitionError(f"its examples are a text; write examples=[{read.marks.examples!r}]")
    for example in read.marks.examples:
        _check_value(read, example, "example")
    default = read.default_value()
    if default is not ABSENT and not (default is None and read.nullable):
        _check_value(read, default, "default")


def _check_limits(marks: Marks) -> None:
    bounds = [each for each in (marks.ge, marks.gt, marks.le, marks.lt) if each is not None]
    if not all(math.isfinite(each) for each in bounds):
        raise DefinitionError("a bound is not finite; leave it out")
    least, most = marks.min_length, marks.max_length
    if (least or 0) < 0 or (most is not None and most < (least or 0)):
        raise DefinitionError(f"min_length={least} and max_length={most} leave no room")
    lower = max((each for each in (marks.ge, marks.gt) if each is not None), default=-math.inf)
    upper = min((each for each in (marks.le, marks.lt) if each is not None), default=math.inf)
    if lower > upper or (lower == upper and not marks.ge == lower == marks.le):
        raise DefinitionError(f"its bounds leave no room: nothing lies between {lower} and {upper}")


def _check_value(read: Field, value: Any, what: str) -> None:
    shown = "***" if read.marks.secret else repr(value)
    try:
        data = write_shape(read.shape, value)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise DefinitionError(f"its {what} {shown} does not fit its type") from error
    _, problems = parse_shape(read.shape, data)
    if problems:
        raise DefinitionError(f"its {what} {shown} does not fit: {problems[0]}")
