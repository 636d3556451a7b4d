"""`@model` and `field`: how an author declares a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeGuard, TypeVar, dataclass_transform, overload

import attrs

from reglet.application.models.marks import Bound, Marks
from reglet.application.models.shapes import ABSENT
from reglet.domain.errors import DefinitionError

T = TypeVar("T")

MARKS = "reglet"
"""The key of a field's marks in attrs' metadata."""

_MARKER = "__reglet_model__"


@overload
def field(
    *,
    default: T,
    description: str = "",
    title: str = "",
    ge: Bound | None = None,
    le: Bound | None = None,
    gt: Bound | None = None,
    lt: Bound | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    pattern: str | None = None,
    format: str | None = None,
    examples: Sequence[Any] = (),
    deprecated: bool = False,
    secret: bool = False,
    json_name: str | None = None,
) -> T: ...
@overload
def field(
    *,
    factory: Callable[[], T],
    description: str = "",
    title: str = "",
    ge: Bound | None = None,
    le: Bound | None = None,
    gt: Bound | None = None,
    lt: Bound | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    pattern: str | None = None,
    format: str | None = None,
    examples: Sequence[Any] = (),
    deprecated: bool = False,
    secret: bool = False,
    json_name: str | None = None,
) -> T: ...
@overload
def field(
    *,
    description: str = "",
    title: str = "",
    ge: Bound | None = None,
    le: Bound | None = None,
    gt: Bound | None = None,
    lt: Bound | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    pattern: str | None = None,
    format: str | None = None,
    examples: Sequence[Any] = (),
    deprecated: bool = False,
    secret: bool = False,
    json_name: str | None = None,
) -> Any: ...
def field(*, default: Any = ABSENT, factory: Any = ABSENT, **marks: Any) -> Any:
    """Declare a field of a model beyond its type.

    Args:
        default: its value where a config has none; not a list or dict, which takes `factory`.
        factory: makes that value anew each time.
        marks: what `Marks` lists: a `description`, bounds (`ge le gt lt`), lengths, a `pattern`, a
            `format`, `examples`, `deprecated`, `secret`, and a `json_name` that is no Python name.

    Raises:
        DefinitionError: `default` and `factory` exclude each other, or the default can change.
    """
    said = Marks(**marks)
    if default is not ABSENT and factory is not ABSENT:
        raise DefinitionError("field(default=…, factory=…): give one of the two")
    if isinstance(default, (list, dict, set)):
        raise DefinitionError(
            f"field(default={default!r}): every model would share it; write factory=lambda: {default!r}"
        )
    metadata = {MARKS: said}
    if factory is not ABSENT:
        return attrs.field(factory=factory, metadata=metadata)
    if default is not ABSENT:
        return attrs.field(default=default, metadata=metadata)
    return attrs.field(metadata=metadata)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def model(cls: type[T]) -> type[T]:
    """Make a class a model: an immutable record whose annotations are its JSON.

    Annotations are read on first use, so models may name others that come later in the module. What
    `__attrs_post_init__` refuses with a `ValueError` or `ConfigError` is a problem of the config.

    Raises:
        DefinitionError: a field has no annotation, or a required one follows one with a default.
    """
    try:
        made = attrs.define(cls, frozen=True, slots=True, auto_attribs=True, repr=False)
    except (ValueError, attrs.exceptions.UnannotatedAttributeError) as error:
        raise DefinitionError(f"model {cls.__name__}: {error}") from error
    setattr(made, _MARKER, made)
    if "__repr__" not in cls.__dict__:
        made.__repr__ = _repr  # type: ignore[method-assign]  # as attrs would, but for secrets
    return made


def is_model(candidate: object) -> TypeGuard[type[Any]]:
    """Return whether `candidate` is a class that `model` made; a bare subclass of one is not."""
    return isinstance(candidate, type) and candidate.__dict__.get(_MARKER) is candidate


def _repr(self: Any) -> str:
    from reglet.application.models.redacting import shown_fields

    shown = ", ".join(f"{name}={value}" for name, value in shown_fields(self))
    return f"{type(self).__qualname__}({shown})"
