r"""Glob patterns as Go's doublestar matches them: `*`, `?`, `**`, `{a,b}`, `[a-z]`, and `\` to escape.

Braces are expanded; each alternative is run as a set of states over the text, so time grows with
the pattern times the text and never faster. One rule is stricter than doublestar: no `[...]` matches a `/`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Self

from attrs import frozen

from reglet.domain.policy.glob_syntax import Many, One, PatternError, Skip, Steps, alternatives, steps_of

__all__ = ["Glob", "PatternError", "alternatives", "is_exact"]

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
