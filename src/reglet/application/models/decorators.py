"""`@model` and `field`: how an author declares a model."""

from __future__ import annotations

import inspect
import keyword
import sys
import typing
from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar, Unpack, dataclass_transform, overload

import attrs
from attrs import NOTHING

from reglet.application.models.meta import META, Meta, MetaOptions
from reglet.application.models.model_types import MODEL, is_model
from reglet.application.models.redaction import model_repr
from reglet.application.names import snake_case, suggestion
from reglet.domain.errors import DefinitionError

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")

_MISSING: Any = object()

_UNKNOWN = "reglet.unknown"
"""The key of options that `field` does not have: the error comes with the class, which knows the field."""

_FIELD = type(attrs.field())

_OTHER_NAMES = {
    "minimum": "ge",
    "maximum": "le",
    "min": "ge",
    "max": "le",
    "exclusive_minimum": "gt",
    "exclusive_maximum": "lt",
    "min_items": "min_length",
    "max_items": "max_length",
    "regex": "pattern",
    "alias": "json_name",
    "name": "json_name",
    "doc": "description",
    "help": "description",
    "example": "examples",
    "choices": "a Literal type",
    "enum": "a Literal type",
    "default_factory": "factory",
}
"""What other libraries call our options."""

_NO_ARGUMENTS = frozenset({"self", "NOTHING"})
"""Names that the constructors of attrs need themselves."""

_OTHER_FIELDS = frozenset({"Field", "FieldInfo"})
"""What `field(…)` of dataclasses and pydantic makes."""


@overload
def field(*, default: T, **options: Unpack[MetaOptions]) -> T: ...
@overload
def field(*, factory: type[list[T]], **options: Unpack[MetaOptions]) -> list[T]: ...
@overload
def field(*, factory: type[dict[K, V]], **options: Unpack[MetaOptions]) -> dict[K, V]: ...
@overload
def field(*, factory: Callable[[], T], **options: Unpack[MetaOptions]) -> T: ...
@overload
def field(**options: Unpack[MetaOptions]) -> Any: ...
def field(*given: Any, default: Any = NOTHING, factory: Any = NOTHING, **options: Any) -> Any:
    """Declare a field of a model beyond its type.

    Args:
        given: nothing; it is there to refuse a default without its name.
        default: its value where a config has none; not a list or dict, which takes `factory`.
        factory: makes that value anew each time.
        options: what `Meta` lists: a `description`, bounds (`ge le gt lt`), lengths, a `pattern`, a
            `format`, `examples`, `deprecated`, `secret`, and a `json_name` that is no Python name.

    Raises:
        DefinitionError: `default` and `factory` exclude each other, or the default can change.
    """
    if given:
        raise DefinitionError(f"field({given[0]!r}): write field(default={given[0]!r})")
    if default is not NOTHING and factory is not NOTHING:
        name = getattr(factory, "__name__", factory)
        raise DefinitionError(f"field(default={default!r}, factory={name}): give one of the two")
    if factory is not NOTHING and not callable(factory):
        raise DefinitionError(f"field(factory={factory!r}): write default={factory!r}, or a function for it")
    if _is_mutable(default):
        raise DefinitionError(f"field(default={default!r}): {_shared(default)}")
    known = {name: value for name, value in options.items() if name in MetaOptions.__annotations__}
    metadata: dict[str, Any] = {META: Meta(**known)}
    if len(known) < len(options):
        metadata[_UNKNOWN] = {name: value for name, value in options.items() if name not in known}
    if factory is not NOTHING:
        return attrs.field(factory=factory, metadata=metadata)
    return attrs.field(default=default, metadata=metadata)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def model(cls: type[T]) -> type[T]:
    """Make a class a model: an immutable record whose annotations are its JSON.

    Annotations are read on first use, so models may name others that come later in the module. What
    `__attrs_post_init__` refuses with a `ValueError` or `ConfigError` is a problem of the config.

    Raises:
        DefinitionError: a field has no annotation, an option that does not exist or a default that can
            change, a required one follows one with a default, a base class is no model, or the class is
            another kind of record already.
    """
    if not isinstance(cls, type):
        above = f"stands above {getattr(cls, '__qualname__', repr(cls))}, which is no class"
        what = "is called" if cls is _MISSING else above
        raise DefinitionError(f"@reglet.model {what}; write @reglet.model, without brackets, above a class")
    if (other := _other_kind(cls)) is not None:
        raise DefinitionError(
            f"model {cls.__name__}: it is {other}; write it as a class of its own, class {cls.__name__}:, "
            f"under @reglet.model alone"
        )
    # what attrs would drop in silence: data without annotation, and a base's fields
    annotated = _annotations(cls)
    for name, value in cls.__dict__.items():
        is_data = not (isinstance(value, type) or hasattr(type(value), "__get__"))
        if is_data and name not in annotated and not name.startswith("_"):
            shown, kind = repr(value), type(value).__name__
            if isinstance(value, _FIELD):
                shown, kind = "field(…)", "…"
            raise DefinitionError(
                f"model {cls.__name__}: {name} = {shown} has no annotation; write {name}: {kind} = {shown}, "
                f"or {name}: ClassVar[{kind}] for what is no field"
            )
    for base in cls.__mro__[1:]:
        if (attrs.has(base) and "__attrs_attrs__" in base.__dict__) or getattr(base, "_is_protocol", False):
            continue
        dropped = [
            name
            for name, annotation in _annotations(base).items()
            if name not in annotated and "ClassVar" not in str(annotation)
        ]
        if dropped:
            raise DefinitionError(
                f"model {cls.__name__}: its base {base.__name__} has the fields {', '.join(dropped)} and is "
                f"no model; decorate {base.__name__} with @reglet.model"
            )
    made = attrs.define(
        cls, frozen=True, slots=True, auto_attribs=True, repr=False, field_transformer=_checked_fields
    )
    setattr(made, MODEL, made)
    if "__repr__" not in cls.__dict__:
        made.__repr__ = model_repr  # type: ignore[method-assign]  # as attrs would, but for secrets
    return made


model.__defaults__ = (_MISSING,)  # so that `@model()` is refused in our words; type checkers need not know


def _other_kind(cls: type[Any]) -> str | None:
    """Return what a class is that cannot be a model as well, None if it can."""
    kinds = {
        "a model already": is_model(cls),
        "a dataclass": "__dataclass_fields__" in cls.__dict__,
        "a NamedTuple": issubclass(cls, tuple),
        "a TypedDict": typing.is_typeddict(cls),
        "an Enum": issubclass(cls, Enum),
        "a Protocol": getattr(cls, "_is_protocol", False),
        "generic, and hosts read fields of one type": bool(getattr(cls, "__parameters__", ())),
        "a class with __slots__, which a model makes itself": "__slots__" in cls.__dict__,
    }
    return next((kind for kind, applies in kinds.items() if applies), None)


def _annotations(cls: type[Any]) -> dict[str, Any]:
    """Return a class's own annotations, unresolved."""
    if sys.version_info >= (3, 14):
        from annotationlib import Format, get_annotations

        return get_annotations(cls, format=Format.FORWARDREF)
    return inspect.get_annotations(cls)


def _checked_fields(cls: type[Any], attributes: list[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
    """Return the attributes, or refuse those that could not work."""
    arguments: dict[str, str] = {}
    with_default = ""
    for each in attributes:
        where = f"model {cls.__name__}: field {each.name}"
        unknown = each.metadata.get(_UNKNOWN, {})
        for name, value in unknown.items():
            usual = _OTHER_NAMES.get(snake_case(name))
            known = [*MetaOptions.__annotations__, "default", "factory"]
            close = suggestion(name, known).removeprefix("; ") or f"there are {', '.join(known)}"
            advice = f"write {usual}" if usual else close
            raise DefinitionError(f"{where}: there is no {name}={value!r}; {advice}")
        if each.default is NOTHING:
            if with_default and not each.kw_only:
                raise DefinitionError(
                    f"{where} has no default and follows {with_default}, which has one; move {each.name} "
                    f"before it, or give it a default"
                )
        else:
            with_default = with_default if each.kw_only else each.name
            if type(each.default).__name__ in _OTHER_FIELDS:
                raise DefinitionError(
                    f"{where}: write reglet.field(…), not that of {type(each.default).__module__}"
                )
            if _is_mutable(each.default):
                raise DefinitionError(f"{where} = {each.default!r}: {_shared(each.default)}")
        argument = each.alias or each.name.lstrip("_")
        is_private = each.name.startswith(("__", f"_{cls.__name__.lstrip('_')}__"))
        if argument in _NO_ARGUMENTS or keyword.iskeyword(argument) or not argument.isidentifier():
            reason = f"a constructor can have no argument {argument!r}"
        else:
            reason = "a name that begins with two underscores is Python's own or the class's" * is_private
        if reason:
            wanted = each.name.removeprefix(f"_{cls.__name__.lstrip('_')}") if is_private else each.name
            raise DefinitionError(f'{where}: {reason}; give the field another name and json_name="{wanted}"')
        if argument in arguments:
            raise DefinitionError(
                f"{where} and {arguments[argument]} would be one argument, {argument!r}; rename one"
            )
        arguments[argument] = each.name
    return attributes


def _is_mutable(default: object) -> bool:
    return type(default).__hash__ is None


def _shared(default: object) -> str:
    factory = f"lambda: {default!r}" if default else type(default).__name__
    return f"every model would share it; write reglet.field(factory={factory})"
