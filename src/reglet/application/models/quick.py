"""Parsers written out as code, for configs that need nothing said: exact types, within bounds.

The code takes the straight way and hands everything else to the parser that explains, so it knows no
messages. That one decides what is right; this one is only quicker, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from reglet.application.models.code import Code
from reglet.application.models.formats import format_check
from reglet.application.models.patterns import compile_pattern
from reglet.application.models.problems import Parser
from reglet.application.models.shapes import Boolean, Choice, Field, Integer, Number, Record, Text


def quick_parser(record: Record, explain: Parser, inner: Callable[[Field], Parser]) -> Parser:
    """Return a parser of `record`.

    Args:
        record: what to parse.
        explain: the parser that takes over from the beginning when anything is not straight.
        inner: gives the parser of a field that is no scalar.
    """
    code = Code(explain=explain, model=record.model)
    code.add("def parse(value, problems):", 0)
    code.add("if value.__class__ is not dict: return explain(value, problems)")
    code.add("get = value.get")
    code.add("found = []")
    for place, each in enumerate(record.fields):
        _add_field(code, f"v{place}", each, inner)
    code.add("if found: return explain(value, problems)")
    arguments = ", ".join(f"{each.argument}=v{place}" for place, each in enumerate(record.fields))
    code.add(f"try: return model({arguments})")
    code.add("except Exception: return explain(value, problems)")
    parser: Parser = code.function("parse", record.model.__qualname__)
    return parser


def _add_field(code: Code, variable: str, each: Field, inner: Callable[[Field], Parser]) -> None:
    code.add(f"{variable} = get({each.name!r})")
    code.add(f"if {variable} is None:")
    if each.required:
        code.add("return explain(value, problems)", 2)
    elif each.factory:
        code.add(f"{variable} = {code.name(each.default)}()", 2)
    else:
        code.add(f"{variable} = {code.name(each.default_value())}", 2)
    conditions = _CONDITIONS.get(type(each.shape))
    if conditions is None:
        code.add(f"else: {variable} = {code.name(inner(each))}({variable}, found)")
        return
    straight = " and ".join(conditions(code, variable, each.shape))
    code.add(f"elif not ({straight}): return explain(value, problems)")
    if isinstance(each.shape, Choice):
        code.add(f"else: {variable} = {code.name(dict(each.shape.members))}[{variable}]")


def _text(code: Code, variable: str, shape: Text) -> Iterator[str]:
    yield f"{variable}.__class__ is str"
    if shape.min_length is not None:
        yield f"len({variable}) >= {shape.min_length}"
    if shape.max_length is not None:
        yield f"len({variable}) <= {shape.max_length}"
    if shape.pattern is not None:
        yield f"{code.name(compile_pattern(shape.pattern).search)}({variable}) is not None"
    if shape.format is not None:
        yield f"{code.name(format_check(shape.format))}({variable})"


def _bounds(code: Code, variable: str, shape: Integer | Number) -> Iterator[str]:
    for bound, sign in ((shape.ge, ">="), (shape.gt, ">"), (shape.le, "<="), (shape.lt, "<")):
        if bound is not None:
            yield f"{variable} {sign} {code.name(bound)}"


def _integer(code: Code, variable: str, shape: Integer) -> Iterator[str]:
    yield f"{variable}.__class__ is int"
    yield from _bounds(code, variable, shape)


def _number(code: Code, variable: str, shape: Number) -> Iterator[str]:
    yield f"{variable}.__class__ is float"
    yield f"{variable} - {variable} == 0.0"
    yield from _bounds(code, variable, shape)


def _boolean(_: Code, variable: str, __: Boolean) -> Iterator[str]:
    yield f"({variable} is True or {variable} is False)"


def _choice(code: Code, variable: str, shape: Choice) -> Iterator[str]:
    yield f"{variable}.__class__ is {'str' if shape.is_text else 'int'}"
    yield f"{variable} in {code.name(frozenset(shape.members))}"


_CONDITIONS: dict[Any, Callable[[Code, str, Any], Iterator[str]]] = {
    Text: _text,
    Integer: _integer,
    Number: _number,
    Boolean: _boolean,
    Choice: _choice,
}
