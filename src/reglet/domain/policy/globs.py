r"""Glob patterns as Go's doublestar matches them: `*`, `?`, `**`, `{a,b}`, `[a-z]`, and `\` to escape.

Braces are expanded; each alternative is run as a set of states over the text, so time grows with
the pattern times the text and never faster. One rule is stricter than doublestar: no `[...]` matches a `/`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Self

from attrs import frozen

from reglet.domain.errors import RegletError

_WILD = frozenset("*?[{\\")
_LITERAL_START = re.compile(r"[^*?\[\\]*")
_LITERAL_END = re.compile(r"[^*?\]\\]*\Z")


@frozen
class _Alternative:
    """One alternative: the texts that a match must start and end with, and the steps that decide."""

    start: str
    end: str
    steps: Steps

    @classmethod
    def parse(cls, pattern: str, text: str) -> Self:
        """Compile one alternative of a pattern."""
        start, end = _LITERAL_START.match(text), _LITERAL_END.search(text)
        # the slash beside a ** may be missing from what matches
        return cls(
            start[0].removesuffix("/") if start else "",
            end[0].removeprefix("/") if end else "",
            steps_of(pattern, text),
        )

    def matches(self, text: str) -> bool:
        """Whether the whole of `text` matches; most texts are told by their ends."""
        return text.startswith(self.start) and text.endswith(self.end) and _run(self.steps, text)


@frozen
class Glob:
    """A pattern, ready to match. Equal texts are compiled once."""

    text: str
    _alternatives: tuple[_Alternative, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the compiled pattern; `PatternError` if it is malformed."""
        return cls(text, _compiled(text))

    def matches(self, text: str) -> bool:
        """Whether the whole of `text` matches."""
        return any(alternative.matches(text) for alternative in self._alternatives)


def is_exact(pattern: str) -> bool:
    """Whether a pattern has no wildcards, so that it matches itself and nothing else."""
    return _WILD.isdisjoint(pattern)


@lru_cache(maxsize=1024)
def _compiled(text: str) -> tuple[_Alternative, ...]:
    return tuple(_Alternative.parse(text, alternative) for alternative in alternatives(text))


def _run(steps: Steps, text: str) -> bool:
    states = _reachable(steps, {0})
    for character in text:
        states = _reachable(steps, set(_advance(steps, states, character)))
        if not states:
            return False
    return len(steps) in states


def _advance(steps: Steps, states: set[int], character: str) -> Iterator[int]:
    for state in states:
        step = steps[state] if state < len(steps) else None
        if isinstance(step, One) and step.accepts(character):
            yield state + 1
        elif isinstance(step, Many) and step.accepts(character):
            yield state


def _reachable(steps: Steps, states: set[int]) -> set[int]:
    """Add the states that are reached without consuming anything."""
    waiting = list(states)
    while waiting:
        state = waiting.pop()
        step = steps[state] if state < len(steps) else None
        ahead = [state + 1] if isinstance(step, Many | Skip) else []
        if isinstance(step, Skip):
            ahead.append(state + 1 + step.length)
        new = [state for state in ahead if state not in states]
        states.update(new)
        waiting.extend(new)
    return states


_MAX_ALTERNATIVES = 1024
Accepts = Callable[[str], bool]
"""Whether a step takes a character."""


class PatternError(RegletError):
    """A glob that cannot be read; the text says why."""

    error_type = "validation"

    def __init__(self, pattern: str, reason: str) -> None:
        """Name the pattern and what is wrong with it."""
        super().__init__(f"pattern {pattern!r} cannot be read: {reason}")
        self.pattern = pattern
        self.reason = reason


@frozen
class One:
    """Consumes one character that `accepts` takes."""

    accepts: Accepts


@frozen
class Many:
    """Consumes any number of characters that `accepts` takes."""

    accepts: Accepts


@frozen
class Skip:
    """May jump over the next `length` steps."""

    length: int


Steps = tuple[One | Many | Skip, ...]


def steps_of(pattern: str, alternative: str) -> Steps:
    """Return the steps of one alternative of a pattern; `PatternError` if it is malformed."""
    return tuple(_Compiler(pattern, alternative).steps())


def alternatives(pattern: str) -> list[str]:
    """Return the pattern's alternatives, each without braces, in order."""
    done: list[str] = []
    waiting = [(pattern, 0)]
    while waiting:
        text, start = waiting.pop()
        opening = _first_brace(pattern, text, start)
        if opening < 0:
            done.append(text)
        else:
            choices, end = _choices(pattern, text, opening)
            waiting.extend((text[:opening] + choice + text[end:], opening) for choice in reversed(choices))
        if len(done) + len(waiting) > _MAX_ALTERNATIVES:
            raise PatternError(pattern, f"its braces stand for more than {_MAX_ALTERNATIVES} alternatives")
    return done


def _first_brace(pattern: str, text: str, start: int) -> int:
    at = start
    while at < len(text):
        if text[at] == "{":
            return at
        if text[at] == "}":
            raise PatternError(pattern, "a } has no {; write \\} for the character itself")
        at = _after_class(pattern, text, at) if text[at] == "[" else at + (2 if text[at] == "\\" else 1)
    return -1


def _choices(pattern: str, text: str, opening: int) -> tuple[list[str], int]:
    """Return what stands between the commas of one pair of braces, and where its pattern goes on."""
    depth, at, begin, choices = 0, opening, opening + 1, []
    while at < len(text):
        character = text[at]
        depth += (character == "{") - (character == "}")
        if character == "\\":
            at += 1
        elif depth == 0 or (depth == 1 and character == ","):
            choices.append(text[begin:at])
            begin = at + 1
            if depth == 0:
                return choices, at + 1
        at += 1
    raise PatternError(pattern, "a { is never closed; write \\{ for the character itself")


def _after_class(pattern: str, text: str, opening: int) -> int:
    """Return the place behind the `]` that closes a class."""
    at = opening + 1
    at += text[at : at + 1] in ("^", "!")
    first = at
    while at < len(text):
        if text[at] == "]" and at > first:
            return at + 1
        if text[at] == "]":
            raise PatternError(pattern, "a class [] is empty")
        at += 2 if text[at] == "\\" else 1
    raise PatternError(pattern, "a [ is never closed; write \\[ for the character itself")


def _anything(_: str) -> bool:
    return True


def _not_separator(character: str) -> bool:
    return character != "/"


class _Compiler:
    """Turns one alternative into steps."""

    def __init__(self, pattern: str, text: str) -> None:
        self._pattern = pattern
        self._text = text

    def steps(self) -> Iterator[One | Many | Skip]:
        """Yield the steps in order."""
        at, segment_starts = 0, True
        while at < len(self._text):
            character = self._text[at]
            rest = self._text[at:]
            if rest in ("/**", "/**/"):
                yield from _tail(rest)
                return
            if segment_starts and rest == "**":
                yield Many(_anything)
                return
            if segment_starts and rest.startswith("**/"):
                yield from (Skip(2), Many(_anything), One("/".__eq__))
                at += 3
                continue
            step, at = self._simple(at)
            segment_starts = character == "/" or rest.startswith("\\/")
            yield step

    def _simple(self, at: int) -> tuple[One | Many, int]:
        character = self._text[at]
        if character == "*":
            return Many(_not_separator), at + 1
        if character == "?":
            return One(_not_separator), at + 1
        if character == "[":
            end = _after_class(self._pattern, self._text, at)
            return One(_character_class(self._text[at + 1 : end - 1])), end
        if character == "\\":
            if at + 1 == len(self._text):
                raise PatternError(self._pattern, "it ends in a \\ that escapes nothing")
            return One(self._text[at + 1].__eq__), at + 2
        return One(character.__eq__), at + 1


def _tail(rest: str) -> Iterator[One | Many | Skip]:
    """`a/**` and `a/**/` match `a` itself too."""
    if rest == "/**":
        yield from (Skip(2), One("/".__eq__), Many(_anything))
    else:
        yield from (Skip(4), One("/".__eq__), Skip(2), Many(_anything), One("/".__eq__))


def _character_class(body: str) -> Accepts:
    """Return the test of what stands between `[` and `]`."""
    negated = body[0] in "^!"
    ranges = _ranges(body[1:] if negated else body)

    def accepts(character: str) -> bool:
        within = any(low <= character <= high for low, high in ranges)
        return character != "/" and within is not negated

    return accepts


def _ranges(body: str) -> list[tuple[str, str]]:
    marks = list(_marks(body))
    ranges: list[tuple[str, str]] = []
    at = 0
    while at < len(marks):
        low = marks[at][0]
        if at + 2 < len(marks) and marks[at + 1] == ("-", False):
            ranges.append((low, marks[at + 2][0]))
            at += 3
        else:
            ranges.append((low, low))
            at += 1
    return ranges


def _marks(body: str) -> Iterator[tuple[str, bool]]:
    """Yield each character of a class and whether it was escaped."""
    at = 0
    while at < len(body):
        escaped = body[at] == "\\" and at + 1 < len(body)
        at += escaped
        yield body[at], escaped
        at += 1
