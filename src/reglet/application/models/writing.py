"""From models to JSON values: what a Result's data, a schema's default and an example hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeAlias

from reglet.application.models.code import Code
from reglet.application.models.declaring import is_model
from reglet.application.models.reading import record_of
from reglet.application.models.shapes import (
    Choice,
    Duration,
    Listing,
    Moment,
    Record,
    Shape,
    Table,
)
from reglet.application.models.text_forms import write_duration, write_moment

REDACTED = "***"
"""What stands for a secret."""

Writer: TypeAlias = Callable[[Any], Any]
_WRITER = "__reglet_writer__"


def write_model(value: Any) -> dict[str, Any]:
    """Return a model as a JSON object with every field, secrets redacted."""
    data: dict[str, Any] = writer_of(type(value))(value)
    return data


def plain(value: Any) -> Any:
    """Return a value with the models and enum members in it as JSON values; what else there is stays."""
    if is_model(type(value)):
        return write_model(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {name: plain(entry) for name, entry in value.items()}
    return [plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def writer_of(model: type[Any]) -> Writer:
    """Return the writer of a model, made once; it redacts secrets."""
    writer = model.__dict__.get(_WRITER)
    if writer is None:
        writer = _record(record_of(model))
        setattr(model, _WRITER, staticmethod(writer))
        return writer
    made: Writer = writer.__func__
    return made


def write_shape(shape: Shape, value: Any) -> Any:
    """Return a value of `shape` as JSON."""
    writer = _writer(shape)
    return value if writer is None else writer(value)


def _writer(shape: Shape) -> Writer | None:
    """Return what writes values of a shape, None if they are JSON already."""
    make = _MAKERS.get(type(shape))
    return None if make is None else make(shape)


def _choice(shape: Choice) -> Writer | None:
    return _member_value if any(isinstance(each, Enum) for each in shape.members.values()) else None


def _member_value(member: Any) -> Any:
    return member.value


def _listing(shape: Listing) -> Writer:
    write = _writer(shape.item)
    return list if write is None else lambda items: [write(item) for item in items]


def _table(shape: Table) -> Writer:
    write = _writer(shape.value)
    return dict if write is None else lambda table: {name: write(entry) for name, entry in table.items()}


def _record(record: Record) -> Writer:
    code = Code(redacted=REDACTED)
    code.add("def write(value):", 0)
    entries = []
    for place, each in enumerate(record.fields):
        code.add(f"v{place} = {'redacted' if each.marks.secret else f'value.{each.attribute}'}")
        writer = None if each.marks.secret else _writer(each.shape)
        if writer is not None:
            code.add(f"if v{place} is not None: v{place} = {code.name(writer)}(v{place})")
        entries.append(f"{each.name!r}: v{place}")
    code.add(f"return {{{', '.join(entries)}}}")
    written: Writer = code.function("write", record.model.__qualname__)
    return written


_MAKERS: dict[Any, Callable[[Any], Writer | None]] = {
    Choice: _choice,
    Moment: lambda _: write_moment,
    Duration: lambda _: write_duration,
    Listing: _listing,
    Table: _table,
    Record: _record,
}
