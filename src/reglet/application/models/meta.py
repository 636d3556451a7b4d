"""What a field has beyond its type: in `field(...)`, or in `Annotated[..., Meta(...)]`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias, TypedDict

from attrs import evolve, field, fields, frozen

from reglet.domain.errors import DefinitionError

Bound: TypeAlias = int | float

META = "reglet.meta"
"""The key of a field's `Meta` in the metadata of its attribute."""

NARROWING = frozenset({"ge", "le", "gt", "lt", "min_length", "max_length", "pattern", "format"})
"""What limits a value; the rest speaks of the field."""


class MetaOptions(TypedDict, total=False):
    """The arguments of `Meta`, which `field` takes too."""

    description: str
    title: str
    ge: Bound | None
    le: Bound | None
    gt: Bound | None
    lt: Bound | None
    min_length: int | None
    max_length: int | None
    pattern: str | None
    format: str | None
    examples: Sequence[Any]
    deprecated: bool
    secret: bool
    json_name: str | None


@frozen(kw_only=True, repr=False)
class Meta:
    """The description and limits of one field, or of the items of a list; None, empty and False are none.

    Attributes:
        description: what the field means, for the schema, the docs and the command line.
        title: a short name for people.
        ge: the least value that a number may have.
        le: the greatest value that a number may have.
        gt: what a number must be greater than.
        lt: what a number must be less than.
        min_length: the least number of characters of a string, or of items of a list or dict.
        max_length: the greatest number of them.
        pattern: a regular expression that is found in the string; anchor it with `^` and `$`. Only what
            Python, Go (RE2) and ECMAScript read alike may stand in it.
        format: what kind of string it is: `uri`, `hostname`, `ipv4` …; checked here, announced to hosts.
        examples: values that a person may copy.
        deprecated: the field still works, and its use is logged as a warning.
        secret: the value never shows in repr, logs, errors or results.
        json_name: the field's name in JSON, where that is no Python name.
    """

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
    examples: Sequence[Any] = field(default=(), eq=False)  # which may not be hashable
    deprecated: bool = False
    secret: bool = False
    json_name: str | None = None

    def given(self) -> dict[str, Any]:
        """Return what differs from its default, by name."""
        values = {each: getattr(self, each.name) for each in fields(Meta)}
        return {each.name: value for each, value in values.items() if value != each.default}

    def limits(self) -> Meta:
        """Return what limits the value alone."""
        return Meta(**{name: value for name, value in self.given().items() if name in NARROWING})

    def with_annotated(self, annotated: Iterable[object]) -> Meta:
        """Return this with the `Meta` of an `Annotated[...]` added; strangers in it are left alone.

        Raises:
            DefinitionError: one thing is given twice, and differently.
        """
        merged = self
        for meta in annotated:
            if not isinstance(meta, Meta):
                continue
            present, added = merged.given(), meta.given()
            for name, value in added.items():
                if present.get(name, value) != value:
                    raise DefinitionError(f"{name} is given twice: {present[name]!r} and {value!r}")
            merged = evolve(merged, **added)
        return merged

    def __repr__(self) -> str:
        """Return it as it is written, without defaults."""
        return f"Meta({', '.join(f'{name}={value!r}' for name, value in self.given().items())})"


def Description(description: str) -> Meta:
    """Return `Meta(description=…)`."""
    return Meta(description=description)


def Title(title: str) -> Meta:
    """Return `Meta(title=…)`."""
    return Meta(title=title)


def Ge(ge: Bound) -> Meta:
    """Return `Meta(ge=…)`."""
    return Meta(ge=ge)


def Le(le: Bound) -> Meta:
    """Return `Meta(le=…)`."""
    return Meta(le=le)


def Gt(gt: Bound) -> Meta:
    """Return `Meta(gt=…)`."""
    return Meta(gt=gt)


def Lt(lt: Bound) -> Meta:
    """Return `Meta(lt=…)`."""
    return Meta(lt=lt)


def MinLength(min_length: int) -> Meta:
    """Return `Meta(min_length=…)`."""
    return Meta(min_length=min_length)


def MaxLength(max_length: int) -> Meta:
    """Return `Meta(max_length=…)`."""
    return Meta(max_length=max_length)


def Pattern(pattern: str) -> Meta:
    """Return `Meta(pattern=…)`."""
    return Meta(pattern=pattern)


def Format(format: str) -> Meta:
    """Return `Meta(format=…)`."""
    return Meta(format=format)


def Examples(examples: Sequence[Any]) -> Meta:
    """Return `Meta(examples=…)`."""
    return Meta(examples=examples)


def Deprecated(deprecated: bool = True) -> Meta:
    """Return `Meta(deprecated=…)`."""
    return Meta(deprecated=deprecated)


def Secret(secret: bool = True) -> Meta:
    """Return `Meta(secret=…)`."""
    return Meta(secret=secret)


def JSONName(json_name: str) -> Meta:
    """Return `Meta(json_name=…)`."""
    return Meta(json_name=json_name)
