"""Records of the ABI: one table of fields each, from which the encoder and the decoder come.

A table names each field once, in the order of Go's struct. Records are read leniently where the ABI asks
for it: unknown fields are ignored, null counts as absent, keys match whatever their case, as in Go. A field
of the wrong type is a `WireFormatError` that names the record and the field.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

from attrs import field, frozen

from reglet.domain.errors import WireFormatError
from reglet.domain.time import ZERO_TIME, format_time, parse_time
from reglet.infrastructure.wire.go_json import (
    decode_json,
    list_text,
    ordered_text,
    sorted_text,
    string_text,
    to_bytes,
)

T = TypeVar("T")

_MOST_SHOWN = 80
_ONLY_STRINGS = {str}
_MILLISECOND = timedelta(milliseconds=1)
_FEWEST_MILLISECONDS = timedelta.min // _MILLISECOND
_MOST_MILLISECONDS = timedelta.max // _MILLISECOND


class Dialect(StrEnum):
    """How a host spells requests and answers, and says that it refused or failed (ABI sections 4 and 5).

    Attributes:
        ABI: the ABI module, which the Go plugin SDK shares.
        HOSTLIB: the functions of the Go host SDK, which have records of their own.
        APP: the newer Reglet app: the records of the ABI, failures in words of its own.
        OLDER: the older Reglet app: the ABI throughout, but other exports are called.
    """

    ABI = "abi"
    HOSTLIB = "hostlib"
    APP = "app"
    OLDER = "older"


class InvalidFieldError(ValueError):
    """A value that is not what its field holds; it gathers the path to the field on its way up."""

    def __init__(self, expected: str, value: object) -> None:
        super().__init__(expected)
        self._expected = expected
        self._value = value
        self._path: list[str] = []

    def within(self, step: str) -> InvalidFieldError:
        """Return it with one more step, `.name` or `[index]`, in front of its path."""
        self._path.insert(0, step)
        return self

    def wire_error(self, record: str) -> WireFormatError:
        """Return the error for whoever decodes the record."""
        shown = repr(self._value)
        found = shown if len(shown) <= _MOST_SHOWN else shown[:_MOST_SHOWN] + "…"
        *path, last = self._path or [""]
        if not last.startswith("."):
            cause = f"expected {self._expected}, not {found}"
            return WireFormatError("decode", "".join((record, *path, last)), cause)
        cause = f"field '{last[1:]}' should be {self._expected}, not {found}"
        return WireFormatError("decode", "".join((record, *path)), cause)


UNSET: Final[Any] = object()
"""Stands for: not said."""


@frozen(eq=False, repr=False)
class Kind(Generic[T]):
    """How the values of one kind are read and written.

    Attributes:
        read: makes the value of a JSON value that is not null; raises `InvalidFieldError`.
        write: returns the value as JSON.
        empty: what an absent field means; unset leaves it to the record's constructor.
        write_hostlib: returns the value as JSON in dialect hostlib, where that differs.
        read_strictly: in place of `read`, where a dialect must refuse what only the other one spells.
        same: the class of JSON values that are their own value, so that `read` need not be called.
    """

    read: Callable[[Any], T]
    write: Callable[[Any], str]
    empty: Any = UNSET
    write_hostlib: Callable[[Any], str] | None = None
    read_strictly: Mapping[Dialect, Callable[[Any], T]] = field(factory=dict)
    same: type | None = None


@frozen(eq=False, repr=False)
class Field:
    """One field of a record.

    Attributes:
        name: its JSON name.
        kind: how its value is read and written.
        attribute: the attribute that holds its value; by default named as the field is.
        always: whether it is written whatever its value. Otherwise an empty one (false, 0, "" and so on) is
            left out, as by Go's `omitempty`; where there is a default, only that one.
        default: what an absent field means, in place of the kind's empty value.
        required: whether a record without it is refused.
        only: the one dialect that has it. Of two fields with one attribute, that which is not empty counts.
        foreign: whether the ABI lacks it, as what is hostlib's or ours alone: where hostlib is not what must
            be read, a value of the wrong type is ignored, as Go ignores a name that it does not know.
        extra: whether its value is not the record's own, but handed to the encoder by name.
        derive: computes its value from the record, in place of the attribute.
        written: False for a field that is only read.
    """

    name: str
    kind: Kind[Any]
    attribute: str = field(default="")
    always: bool = False
    default: Any = UNSET
    required: bool = False
    only: Dialect | None = None
    foreign: bool = field(default=False)
    extra: bool = False
    derive: Callable[[Any], Any] | None = None
    written: bool = True

    @property
    def key(self) -> str:
        """The attribute, or the name in its place."""
        return self.attribute or self.name

    def reader(self, dialect: Dialect | None) -> Callable[[Any], Any]:
        """Return what reads its value, in one dialect or, for None, in either."""
        read = self.kind.read if dialect is None else self.kind.read_strictly.get(dialect, self.kind.read)
        if dialect is Dialect.HOSTLIB or not (self.foreign or self.only is Dialect.HOSTLIB):
            return read
        absent = self.kind.empty if self.default is UNSET else self.default

        def read_leniently(value: Any) -> Any:
            try:
                return read(value)
            except InvalidFieldError:
                return absent

        return read_leniently


_Writer = Callable[..., str]
"""Returns a record as JSON text; a second argument holds the values of `extra` fields by name."""
_Reading = Mapping[str, tuple[str, type | None, Callable[[Any], Any], bool]]
"""By its name, a field to read: attribute, the class of what is taken as it is, reader, whether another field
has the same attribute."""


class Record(Generic[T]):
    """A record's table, which reads and writes it in either dialect."""

    def __init__(self, name: str, make: Callable[..., T], *fields: Field) -> None:
        """Take its name for messages, what makes a value of its attributes, and its fields in Go's order."""
        self.name = name
        self._make = make
        abi = [each for each in fields if each.only is not Dialect.HOSTLIB]
        hostlib = [each for each in fields if each.only is not Dialect.ABI]
        self._written = abi, hostlib, [*abi, *(each for each in hostlib if each not in abi)]
        self._writers: dict[tuple[Dialect, bool], _Writer] = {}
        self._read = _reading(fields)
        self._read_strictly = _reading(abi, Dialect.ABI), _reading(hostlib, Dialect.HOSTLIB)
        self._required = [each for each in fields if each.required]
        defaults = ((each.key, each.kind.empty if each.default is UNSET else each.default) for each in fields)
        self._defaults = {key: default for key, default in defaults if default is not UNSET}

    def text(
        self,
        value: Any,
        dialect: Dialect = Dialect.ABI,
        extra: Mapping[str, Any] = MappingProxyType({}),
        *,
        both: bool = False,
    ) -> str:
        """Return a value as JSON text; `both` writes the fields that only the other dialect has, too."""
        return self.writer(dialect, both=both)(value, extra)

    def writer(self, dialect: Dialect = Dialect.ABI, *, both: bool = False) -> _Writer:
        """Return what `text` does in one dialect, made of the table when it is first asked for."""
        made = self._writers.get((dialect, both))
        if made is None:
            is_hostlib = dialect is Dialect.HOSTLIB
            made = _writer(self._written[2 if both else is_hostlib], is_hostlib=is_hostlib)
            self._writers[dialect, both] = made
        return made

    def of(self, values: Any, where: str = "") -> T:
        """Return what decoded JSON is; `where` stands for the record's name in messages.

        Raises:
            WireFormatError: it is not this record.
        """
        try:
            return self._make(**self._attributes({} if values is None else values))
        except InvalidFieldError as error:
            raise error.wire_error(where or self.name) from None
        except RecursionError as error:
            raise WireFormatError("decode", where or self.name, error) from error

    def attributes(self, values: Any, dialect: Dialect | None = None) -> dict[str, Any]:
        """Return the attributes in decoded JSON, null counting as an empty object; raises as `of` does.

        With a dialect, what only the other one spells is not read.
        """
        try:
            return self._attributes({} if values is None else values, dialect)
        except InvalidFieldError as error:
            raise error.wire_error(self.name) from None
        except RecursionError as error:
            raise WireFormatError("decode", self.name, error) from error

    def _attributes(self, values: Any, dialect: Dialect | None = None) -> dict[str, Any]:
        if not isinstance(values, dict):
            raise InvalidFieldError("an object", values)
        fields = self._read if dialect is None else self._read_strictly[dialect is Dialect.HOSTLIB]
        found = self._defaults.copy()
        name = ""
        try:
            for name, value in values.items():
                try:
                    attribute, same, read, shared = fields[name]
                except KeyError:
                    known = fields.get(name.lower())
                    if known is None:
                        continue
                    attribute, same, read, shared = known
                if value.__class__ is same:
                    found[attribute] = value
                elif value is not None:
                    made = read(value)
                    found[attribute] = (made or found[attribute]) if shared else made
            for each in self._required:
                if each.key not in found:
                    name = each.name
                    each.kind.read(None)
        except InvalidFieldError as error:
            raise error.within("." + name.lower()) from None
        return found

    def _item(self, value: Any) -> T:
        """Return the record inside another one that a JSON value is."""
        return self._make(**self._attributes({} if value is None else value))

    def encode(self, value: T) -> bytes:
        """Return a value as JSON.

        Raises:
            WireFormatError: something in it has no form in JSON, such as NaN.
        """
        return to_bytes(self.text(value))

    def decode(self, data: bytes) -> T:
        """Return the value in JSON.

        Raises:
            WireFormatError: the bytes are not this record; the message names the field.
        """
        return self.of(decode_json(data, self.name))

    @property
    def kind(self) -> Kind[T]:
        """This record inside another one; None is the absent one."""
        return Kind(self._item, self.text, None)

    @property
    def listed(self) -> Kind[tuple[T, ...]]:
        """A list of this record."""

        def read(values: Any) -> tuple[T, ...]:
            if not isinstance(values, list):
                raise InvalidFieldError("a list", values)
            items: list[T] = []
            try:
                for value in values:
                    items.append(self._make(**self._attributes({} if value is None else value)))  # noqa: PERF401 - an error names their number
            except InvalidFieldError as error:
                raise error.within(f"[{len(items)}]") from None
            return tuple(items)

        return Kind(read, lambda values: list_text(map(self.writer(), values)), ())

    @property
    def named(self) -> Kind[dict[str, T]]:
        """An object of this record by name, written in the order of the names."""

        def read(values: Any) -> dict[str, T]:
            items: dict[str, T] = {}
            for name, value in _object(values).items():
                try:
                    items[name] = self._item(value)
                except InvalidFieldError as error:
                    raise error.within(f".{name}") from None
            return items

        def write(values: Mapping[str, T]) -> str:
            text = self.writer()
            pieces = (f"{string_text(name)}:{text(values[name])}" for name in sorted(values))
            return "{" + ",".join(pieces) + "}"

        return Kind(read, write)


def _writer(fields: Iterable[Field], *, is_hostlib: bool) -> _Writer:
    """Return a function made for a table, as attrs makes methods: an expression for each field, no loop."""
    known: dict[str, Any] = {"nothing": MappingProxyType({})}
    lines = ["def write(value, extra=nothing):", "    text = f'{{"]  # ends where a field may be left out
    comma = ""
    for number, each in enumerate(each for each in fields if each.written):
        write = (is_hostlib and each.kind.write_hostlib) or each.kind.write
        within = getattr(write, "__self__", None)
        known[f"write_{number}"] = within.writer() if isinstance(within, Record) else write
        item = f"value.{each.key}"
        if each.derive is not None:
            known[f"derive_{number}"] = each.derive
            item = f"derive_{number}(value)"
        elif each.extra:
            known[f"key_{number}"] = each.key
            item = f"extra.get(key_{number})"
        piece = f'{comma}"{each.name}":{{write_{number}({item if each.always else "item"})}}'
        if each.always:
            lines[-1] += piece
            comma = ","
            continue
        known[f"default_{number}"] = each.default
        lines[-1] += "'"
        lines.append(f"    item = {item}")
        lines.append(f"    if item{'' if each.default is UNSET else f' != default_{number}'}:")
        lines.append(
            f"        text += f'{comma}\"{each.name}\":{{write_{number}(item)}}{'' if comma else ','}'"
        )
        lines.append("    text += f'")
    # before the first field that is always there, each ends in a comma, behind it each begins with one
    lines[-1] += "}}'" if comma else "'"
    lines.append("    return text" if comma else "    return text.removesuffix(',') + '}'")
    exec("\n".join(lines), known)  # noqa: S102 - of the project's own tables
    made: _Writer = known["write"]
    return made


def _reading(fields: Iterable[Field], dialect: Dialect | None = None) -> _Reading:
    attributes = [each.key for each in fields]
    return {
        each.name.lower(): (
            each.key,
            None if (shared := attributes.count(each.key) > 1) else each.kind.same,
            each.reader(dialect),
            shared,
        )
        for each in fields
    }


def _instance_of(kind: type[T], wanted: str) -> Callable[[Any], T]:
    """Return what reads an instance of a class, which an error calls `wanted`."""

    def read(value: Any) -> T:
        if isinstance(value, kind):
            return value
        raise InvalidFieldError(wanted, value)

    return read


def integer_in(allowed: range) -> Callable[[Any], int]:
    """Return what reads an integer within a range."""

    def read(value: Any) -> int:
        if type(value) is int and value in allowed:
            return value
        raise InvalidFieldError(f"an integer from {allowed.start} to {allowed.stop - 1}", value)

    return read


def _time(value: Any) -> datetime:
    try:
        return parse_time(value)
    except (TypeError, ValueError):
        raise InvalidFieldError("an RFC 3339 timestamp", value) from None


def _time_writer() -> Callable[[datetime], str]:
    """Return what writes a timestamp; it knows the last two, as a Result has its end twice."""
    earlier = last = ZERO_TIME, f'"{format_time(ZERO_TIME)}"'

    def write(value: datetime) -> str:
        nonlocal earlier, last
        for known in (last, earlier):  # whole, since other threads write too
            if value is known[0]:
                return known[1]
        written = value, f'"{format_time(value)}"'
        earlier, last = last, written
        return written[1]

    return write


def _bytes(value: Any) -> bytes:
    """Return bytes from base64; line breaks within are skipped, as in Go."""
    try:
        try:
            return binascii.a2b_base64(value, strict_mode=True)
        except ValueError:
            return binascii.a2b_base64(value.replace("\r", "").replace("\n", ""), strict_mode=True)
    except TypeError:
        raise InvalidFieldError("a string", value) from None
    except ValueError:
        raise InvalidFieldError("base64, standard alphabet, padded", value) from None


def read_strings(value: Any) -> tuple[str, ...]:
    """Return a list of strings; a null in it is an empty one."""
    if not isinstance(value, list):
        raise InvalidFieldError("a list", value)
    if _ONLY_STRINGS.issuperset(map(type, value)):
        return tuple(value)
    items = ["" if item is None else item for item in value]
    if _ONLY_STRINGS.issuperset(map(type, items)):
        return tuple(items)
    raise InvalidFieldError("a list of strings", value)


def _object(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise InvalidFieldError("an object", value)


def milliseconds(span: timedelta | None) -> int:
    """Return a span in whole milliseconds, a positive one at least 1; None is 0, which means unset."""
    if span is None:
        return 0
    whole = span // _MILLISECOND
    return 1 if not whole and span > timedelta() else whole


def elapsed(milliseconds: int) -> timedelta:
    """Return milliseconds that passed, at most the longest span there is, of either sign."""
    return timedelta(milliseconds=max(_FEWEST_MILLISECONDS, min(milliseconds, _MOST_MILLISECONDS)))


def timeout_of(milliseconds: int) -> timedelta | None:
    """Return the time that something may take, the longest span there is if need be; None for 0 and below."""
    return elapsed(milliseconds) if milliseconds > 0 else None


def one_of(names: Mapping[str, T]) -> Kind[T]:
    """Return the kind of a string that must be one of the names of some values."""

    def read(value: Any) -> T:
        if isinstance(value, str) and value in names:
            return names[value]
        raise InvalidFieldError(" or ".join(names), value)

    return Kind(read, string_text)


def nullable(kind: Kind[T]) -> Kind[T]:
    """Return the kind that writes None as null."""
    return Kind(kind.read, lambda value: "null" if value is None else kind.write(value), None, same=kind.same)


read_int64 = integer_in(range(-(2**63), 2**63))

STRING = Kind(_instance_of(str, "a string"), string_text, "", same=str)
BOOLEAN = Kind(
    _instance_of(bool, "true or false"), {True: "true", False: "false"}.__getitem__, False, same=bool
)
INTEGER = Kind(read_int64, str, 0)
UINT16 = Kind(integer_in(range(2**16)), str, 0)
TIME = Kind(_time, _time_writer(), ZERO_TIME)
BYTES = Kind(_bytes, lambda value: f'"{base64.b64encode(value).decode()}"', b"")
STRINGS = Kind(read_strings, lambda values: list_text(map(string_text, values)), ())
OBJECT = Kind(_object, sorted_text, same=dict)
"""An object with its keys as they came, written in their sorted order, as Go writes a map's."""
SCHEMA = Kind(_object, ordered_text, None, same=dict)
"""An object whose author chose the order of its keys."""
ANY: Kind[Any] = Kind(lambda value: value, ordered_text, None)
TIMEOUT = Kind(lambda value: timeout_of(read_int64(value)), lambda value: str(milliseconds(value)), None)
"""Milliseconds that something may take; none and less count as not set."""
ELAPSED = Kind(lambda value: elapsed(read_int64(value)), lambda value: str(milliseconds(value)), elapsed(0))
"""Milliseconds that something took."""
