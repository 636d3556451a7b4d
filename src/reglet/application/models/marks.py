"""What may be said of a field beyond its type, in `field(...)` or in `Annotated[...]`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

from reglet.domain.errors import DefinitionError

Bound: TypeAlias = int | float


class Description(NamedTuple):
    """What the field means, for the schema, the docs and the command line."""

    description: str


class Title(NamedTuple):
    """A short name for people."""

    title: str


class Ge(NamedTuple):
    """The least value that a number may have."""

    ge: Bound


class Le(NamedTuple):
    """The greatest value that a number may have."""

    le: Bound


class Gt(NamedTuple):
    """What a number must be greater than."""

    gt: Bound


class Lt(NamedTuple):
    """What a number must be less than."""

    lt: Bound


class MinLength(NamedTuple):
    """The least number of characters of a text, or of items of a list or dict."""

    min_length: int


class MaxLength(NamedTuple):
    """The greatest number of characters of a text, or of items of a list or dict."""

    max_length: int


class Pattern(NamedTuple):
    """A regular expression that is found in the text; anchor it with `^` and `$`.

    Only what Python, Go (RE2) and ECMAScript read alike may stand in it.
    """

    pattern: str


class Format(NamedTuple):
    """What kind of text it is: `uri`, `hostname`, `ipv4` …; checked here, announced to hosts."""

    format: str


class Examples(NamedTuple):
    """Values that a person may copy."""

    examples: Sequence[Any]


class Deprecated(NamedTuple):
    """The field still works, and its use is logged as a warning."""

    deprecated: bool = True


class Secret(NamedTuple):
    """The value never shows in repr, logs, errors or results."""

    secret: bool = True


class JSONName(NamedTuple):
    """The field's name in JSON, where that is no Python name."""

    json_name: str


Mark: TypeAlias = (
    Description
    | Title
    | Ge
    | Le
    | Gt
    | Lt
    | MinLength
    | MaxLength
    | Pattern
    | Format
    | Examples
    | Deprecated
    | Secret
    | JSONName
)
"""Each of them."""


class Marks(NamedTuple):
    """All that is said of one field; None, empty and False say nothing."""

    description: str = ""
    title: str = ""
    ge: Bound | None = None
    le: Bound | None = None
    gt: Bound | None = None
    lt: Bound | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    format: str | None = None
    examples: Sequence[Any] = ()
    deprecated: bool = False
    secret: bool = False
    json_name: str | None = None

    def with_annotated(self, annotated: Iterable[object]) -> Marks:
        """Return these marks with those of an `Annotated[...]`; strangers in it are left alone."""
        merged = self
        for mark in annotated:
            if isinstance(mark, Mark):
                merged = merged._with(mark)
        return merged

    def _with(self, mark: Mark) -> Marks:
        [(name, value)] = mark._asdict().items()
        present = getattr(self, name)
        if present not in (getattr(_NOTHING, name), value):
            raise DefinitionError(f"{name} is given twice: {present!r} and {value!r}")
        return self._replace(**{name: value})

    def said(self) -> frozenset[str]:
        """Return the names of the marks that say something."""
        return frozenset(name for name, value in self._asdict().items() if value != getattr(_NOTHING, name))


_NOTHING = Marks()
