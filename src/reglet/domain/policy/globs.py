r"""Glob patterns as Go's doublestar matches them: `*`, `?`, `**`, `{a,b}`, `[a-z]`, and `\` to escape.

Braces are expanded; all alternatives become one automaton whose states are the bits of an integer, so the
time of a match grows with the string times the pattern and never faster. One rule is stricter than
doublestar: no `[...]` matches a `/`. Where the string ends, a wildcard matches nothing only if no more than
`**` is left behind it: `/a*/**` matches what is below `/a`, and not `/a` itself.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

from attrs import define, field, frozen

from reglet.domain.errors import RegletError

_WILD = frozenset("*?[{\\")
_MAX_ALTERNATIVES = 1024
_LITERAL_START = re.compile(r"[^*?\[\\]*")
_LITERAL_END = re.compile(r"[^*?\]\\]*\Z")
_RANGE = re.compile(r"(\\.|.)(?:-(\\.|.))?", re.DOTALL)
"""Of the characters between `[` and `]`: a range, or one character."""
_SHORT_SKIP, _LONG_SKIP = 2, 4
_NOTHING_LEFT = frozenset(("*", "**", "/**", "**/", "/**/"))
"""What may be left of a pattern where the string ends; a wildcard before more than that wants a character."""


class PatternError(RegletError):
    """A glob that cannot be read; the message has the reason."""

    error_type = "validation"

    def __init__(self, pattern: str, reason: str) -> None:
        """Name the pattern and what is wrong with it."""
        super().__init__(f"pattern {pattern!r} cannot be read: {reason}")
        self.pattern = pattern
        self.reason = reason


@frozen
class Glob:
    """A pattern, ready to match. Equal patterns are compiled once."""

    pattern: str
    is_exact: bool
    """Whether it has no wildcards."""
    _ends: tuple[tuple[str, str], ...]
    _automaton: _Automaton

    @classmethod
    @lru_cache(maxsize=1024)
    def parse(cls, pattern: str) -> Glob:
        """Return the compiled pattern; `PatternError` if it is malformed."""
        automaton, ends = _Automaton(), []
        for alternative in alternatives(pattern):
            automaton.add(pattern, alternative)
            start, end = _LITERAL_START.match(alternative), _LITERAL_END.search(alternative)
            # the slash beside a ** may be missing from what matches
            first, last = start[0] if start else "", end[0] if end else ""
            ends.append((first.removesuffix("/"), last.removeprefix("/")))
        return cls(pattern, is_exact(pattern), tuple(ends), automaton)

    def matches(self, string: str) -> bool:
        """Whether the whole of `string` matches; most strings differ at their ends already."""
        if self.is_exact:
            return string == self.pattern
        for start, end in self._ends:
            if string.startswith(start) and string.endswith(end):
                return self._automaton.accepts(string)
        return False


def is_exact(pattern: str) -> bool:
    """Whether a pattern has no wildcards, so that it matches itself and nothing else."""
    return _WILD.isdisjoint(pattern)


@define(eq=False, repr=False)
class _Automaton:
    """States as bits: a state consumes one character and moves to the next, or any number and stays.

    Attributes:
        initial: where the alternatives begin.
        final: where they end, or where no more is left than may match nothing.
        literals: the states that consume this one character, by the character.
        single: the states that consume one character that is no separator.
        classes: the states that consume one character of a class, by its ranges and whether they are negated.
        within: the states that stay for any character that is no separator.
        across: the states that stay for any character.
        short_skip: the states that may jump over the next two.
        long_skip: the states that may jump over the next four.
    """

    size: int = 0
    initial: int = 0
    final: int = 0
    literals: dict[str, int] = field(factory=dict)
    single: int = 0
    classes: dict[tuple[tuple[tuple[str, str], ...], bool], int] = field(factory=dict)
    within: int = 0
    across: int = 0
    short_skip: int = 0
    long_skip: int = 0

    def accepts(self, string: str) -> bool:
        """Whether some alternative matches the whole string."""
        # by character: the states that go ahead with it, and those that stay
        moves: dict[str, tuple[int, int]] = {"/": (self.literals.get("/", 0), self.across)}
        states = self._reachable(self.initial)
        last = self.initial
        for character in string:
            if character not in moves:
                ahead = self.literals.get(character, 0) | self.single
                ahead |= sum(  # no two classes have a state in common
                    members
                    for (ranges, negated), members in self.classes.items()
                    if any(low <= character <= high for low, high in ranges) is not negated
                )
                moves[character] = ahead, self.across | self.within
            ahead, stay = moves[character]
            ahead, stay = (states & ahead) << 1, states & stay
            last = ahead | stay << 1
            states = self._reachable(ahead | stay)
            if not states:
                return False
        return bool(last & self.final)

    def _reachable(self, states: int) -> int:
        """Add the states that are reached without consuming anything."""
        free = self.across | self.within | self.short_skip | self.long_skip
        while True:
            short, long = states & self.short_skip, states & self.long_skip
            more = states | (states & free) << 1 | short << _SHORT_SKIP + 1 | long << _LONG_SKIP + 1
            if more == states:
                return states
            states = more

    def add(self, pattern: str, alternative: str) -> None:
        """Add one alternative of a pattern; `PatternError` if it is malformed."""
        self.initial |= 1 << self.size
        at, segment_starts = 0, True
        while at < len(alternative):
            character = alternative[at]
            if alternative[at:] in _NOTHING_LEFT:
                self.final |= 1 << self.size
            if character == "/" and alternative[at : at + 5] in ("/**", "/**/"):
                has_slash = alternative.endswith("/")
                if has_slash:  # the states before may skip all of the end: it may match nothing
                    self.long_skip |= self._next()
                else:
                    self.short_skip |= self._next()
                self._add_literal("/")
                self.final |= 1 << self.size
                if has_slash:
                    self.short_skip |= self._next()
                self.across |= self._next()
                if has_slash:
                    self._add_literal("/")
                break
            if segment_starts and alternative[at : at + 4] == "**":
                self.across |= self._next()
                break
            if segment_starts and alternative.startswith("**/", at):
                while alternative.startswith("**/", at):
                    at += 3
                self.short_skip |= self._next()
                self.across |= self._next()
                self._add_literal("/")
                continue
            segment_starts = character == "/" or alternative.startswith("\\/", at)
            at = self._add_one(pattern, alternative, at)
        self.final |= self._next()

    def _next(self) -> int:
        self.size += 1
        return 1 << self.size - 1

    def _add_literal(self, character: str) -> None:
        self.literals[character] = self.literals.get(character, 0) | self._next()

    def _add_one(self, pattern: str, alternative: str, at: int) -> int:
        """Add what stands at an index, and return the index behind it."""
        character = alternative[at]
        if character == "*":
            self.within |= self._next()
            while alternative.startswith("*", at + 1):
                at += 1
        elif character == "?":
            self.single |= self._next()
        elif character == "[":
            end = _after_class(pattern, alternative, at)
            members = alternative[at + 1 : end - 1]
            negated = members[0] in "^!"
            found = _RANGE.findall(members[1:] if negated else members)
            key = tuple((low[-1], (high or low)[-1]) for low, high in found), negated
            self.classes[key] = self.classes.get(key, 0) | self._next()
            return end
        elif character == "\\":
            if at + 1 == len(alternative):
                raise PatternError(pattern, "it ends in a \\ that escapes nothing")
            self._add_literal(alternative[at + 1])
            return at + 2
        else:
            self._add_literal(character)
        return at + 1


def alternatives(pattern: str) -> list[str]:
    """Return the pattern's alternatives, each without braces, in order."""
    done: list[str] = []
    waiting = [(pattern, 0)]
    while waiting:
        string, at = waiting.pop()
        depth = 0
        cuts: list[int] = []  # the first pair of braces and the commas between them
        while at < len(string) and (depth or not cuts):
            character = string[at]
            if character == "[" and not depth:
                at = _after_class(pattern, string, at)
                continue
            depth += (character == "{") - (character == "}")
            if depth < 0:
                raise PatternError(pattern, "a } has no {; write \\} for the character itself")
            if (character in "{," and depth == 1) or (character == "}" and not depth):
                cuts.append(at)
            at += 2 if character == "\\" else 1
        if depth:
            raise PatternError(pattern, "a { is never closed; write \\{ for the character itself")
        if not cuts:
            done.append(string)
        else:
            choices = [string[before + 1 : after] for before, after in pairwise(cuts)]
            first, last = cuts[0], cuts[-1]
            waiting.extend(
                (string[:first] + choice + string[last + 1 :], first) for choice in reversed(choices)
            )
        if len(done) + len(waiting) > _MAX_ALTERNATIVES:
            raise PatternError(pattern, f"its braces stand for more than {_MAX_ALTERNATIVES} alternatives")
    return done


def _after_class(pattern: str, string: str, opening: int) -> int:
    """Return the index behind the `]` that closes a class."""
    at = opening + 1
    at += string[at : at + 1] in ("^", "!")
    first = at
    while at < len(string):
        if string[at] == "]" and at > first:
            return at + 1
        if string[at] == "]":
            raise PatternError(pattern, "a class [] is empty")
        at += 2 if string[at] == "\\" else 1
    raise PatternError(pattern, "a [ is never closed; write \\[ for the character itself")
