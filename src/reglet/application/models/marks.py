"""What may be said of a field beyond its type, in `field(...)` or in `Annotated[...]`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from attrs import evolve, field, fields_dict, frozen

from reglet.domain.errors import DefinitionError

Bound: TypeAlias = int | float


@frozen
class Description:
    """What the field means, for the schema, the docs and the command line."""

    description: str


@frozen
class Title:
    """A short name for people."""

    title: str


@frozen
class Ge:
    """The least value that a number may have."""

    ge: Bound


@frozen
class Le:
    """The greatest value that a number may have."""

    le: Bound


@frozen
class Gt:
    """What a number must be greater than."""

    gt: Bound


@frozen
class Lt:
    """What a number must be less than."""

    lt: Bound


@frozen
class MinLength:
    """The least number of characters of a text, or of items of a list or dict."""

    min_length: int


@frozen
class MaxLength:
    """The greatest number of characters of a text, or of items of a list or dict."""

    max_length: int


@frozen
class Pattern:
    """A regular expression that is found in the text; anchor it with `^` and `$`.

    Only what Python, Go (RE2) and ECMAScript read alike may stand in it.
    """

    pattern: str


@frozen
class Format:
    """What kind of text it is: `uri`, `hostname`, `ipv4` …; checked here, announced to hosts."""

    format: str


@frozen
class Examples:
    """Values that a person may copy."""

    examples: tuple[Any, ...] = field(converter=tuple)


@frozen
class Deprecated:
    """The field still works, and its use is logged as a warning."""

    deprecated: bool = True


@frozen
class Secret:
    """The value never shows in repr, logs, errors or results."""

    secret: bool = True


@frozen
class JSONName:
    """The field's name in JSON, where that is no Python name."""

    json_name: str


@frozen
class Marks:
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
    examples: tuple[Any, ...] = field(converter=tuple, default=())
    deprecated: bool = False
    secret: bool = False
    json_name: str | None = None

    def with_annotated(self, annotated: Iterable[object]) -> Marks:
        """Return these marks with those of an `Annotated[...]`; strangers in it are left alone."""
        merged = self
        for mark in annotated:
            if isinstance(mark, _KINDS):
                merged = merged._with(mark)
        return merged

    def _with(self, mark: object) -> Marks:
        [name] = fields_dict(type(mark))
        present, value = getattr(self, name), getattr(mark, name)
        if present != getattr(_NOTHING, name) and present != value:
            raise DefinitionError(f"{name} is given twice: {present!r} and {value!r}")
        return evolve(self, **{name: value})

    def said(self) -> frozenset[str]:
        """Return the names of the marks that say something."""
        return frozenset(
            name for name in fields_dict(Marks) if getattr(self, name) != getattr(_NOTHING, name)
        )


_NOTHING = Marks()
_KINDS = (
    Description,
    Title,
    Ge,
    Le,
    Gt,
    Lt,
    MinLength,
    MaxLength,
    Pattern,
    Format,
    Examples,
    Deprecated,
    Secret,
    JSONName,
)
