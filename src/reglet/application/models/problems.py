"""What is wrong with a value, and where: `message @ $.path`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

Problems: TypeAlias = list[tuple[str, str]]
"""What was found so far: paths below the present value, and messages."""

Parser: TypeAlias = Callable[[Any, Problems], Any]
"""Takes a JSON value and returns the Python value, or adds problems and returns anything."""

Show: TypeAlias = Callable[[Any], str]
"""Says a value in a message."""

Check: TypeAlias = tuple[Callable[[Any], bool], str]
"""A question, and the rule that is broken if the answer is no."""

_LONGEST = 60


def placed(problems: Problems) -> list[str]:
    """Return problems as text, their paths beginning at `$`."""
    return [f"{message} @ ${path}" for path, message in problems]


def prefix(problems: Problems, start: int, step: str) -> None:
    """Put `step` before the paths of the problems that were added since there were `start`."""
    for place in range(start, len(problems)):
        path, message = problems[place]
        problems[place] = (step + path, message)


def member(name: str) -> str:
    """Return the step of a path to a member of an object."""
    return f".{name}" if name.isidentifier() else f"[{json.dumps(name, ensure_ascii=False)}]"


def seen(value: Any) -> str:
    """Return a JSON value as a person would see it in a config, shortened."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def seen_secret(value: Any) -> str:
    """Return what may be said of a secret: nothing but its kind."""
    return "null" if value is None else f"a {_KINDS.get(type(value), 'value')} (secret)"


def length_checks(least: int | None, most: int | None, what: str) -> list[Check]:
    """Return the checks of a length; `what` is what is counted."""
    checks: list[Check] = []
    if least is not None:
        checks.append((lambda value: len(value) >= least, f"have at least {least} {what}"))
    if most is not None:
        checks.append((lambda value: len(value) <= most, f"have at most {most} {what}"))
    return checks


_KINDS = {str: "string", int: "number", float: "number", bool: "boolean", list: "list", dict: "object"}
