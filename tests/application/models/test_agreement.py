"""The schema and the parser are one: what the schema accepts, the parser accepts; beyond it, only what is listed."""

from __future__ import annotations

import re
import warnings
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import reglet
from reglet.application.models.from_json import parse_in_detail, parse_model
from reglet.application.models.json_schema import input_schema, output_schema
from reglet.application.models.model_types import model_type
from reglet.application.models.to_json import model_to_json
from tests.application.models.strategies import any_json, models

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # hypothesis-jsonschema imports what jsonschema has deprecated
    from hypothesis_jsonschema import from_schema

_SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


def _as_ecma_reads_it(schema: Any) -> Any:
    """Return a schema for generating: no draft, and `$` the very end, which to Python it is not."""
    if isinstance(schema, list):
        return [_as_ecma_reads_it(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _as_ecma_reads_it(value) for key, value in schema.items() if key != "$schema"}
    if isinstance(plain.get("pattern"), str):
        plain["pattern"] = re.sub(r"\$$", r"\\Z", plain["pattern"])
    return plain


@settings(suppress_health_check=_SLOW, deadline=None, max_examples=30)
@given(st.data())
def test_what_the_schema_accepts_the_parser_accepts(data):
    """For every model and every config that fits its schema there are no problems."""
    model = data.draw(models())
    config = data.draw(from_schema(_as_ecma_reads_it(input_schema(model))))
    value, problems = parse_model(model, config)
    assert problems == []
    assert isinstance(value, model)


@settings(suppress_health_check=_SLOW, deadline=None, max_examples=60)
@given(st.data())
def test_the_schema_accepts_what_the_parser_makes_of_anything(data):
    """Written again, a parsed config fits the schema, whatever liberties the first one took."""
    model = data.draw(models())
    names = [each.name for each in model_type(model).fields]
    config = data.draw(st.fixed_dictionaries({name: any_json() for name in names}))
    value, problems = parse_model(model, config)
    if not problems:
        optional = {each.name for each in model_type(model).fields if not each.required}
        written = {
            name: entry
            for name, entry in model_to_json(value).items()
            if not (entry is None and name in optional)
        }
        jsonschema.validate(written, input_schema(model), jsonschema.Draft202012Validator)


@settings(suppress_health_check=_SLOW, deadline=None, max_examples=80)
@given(st.data())
def test_the_converter_without_details_and_the_one_with_them_agree(data):
    """Both make the same value, or both refuse."""
    model = data.draw(models())
    names = [each.name for each in model_type(model).fields]
    config = data.draw(st.fixed_dictionaries({}, optional={name: any_json() for name in names}) | any_json())
    value, problems = parse_in_detail(model, config)
    assert parse_model(model, config) == (value, problems)


def test_a_config_that_fits_never_reaches_the_converter_with_details():
    """A rule of the model's own runs once."""
    calls = []

    @reglet.model
    class Counting:
        name: str

        def __attrs_post_init__(self) -> None:
            calls.append(self.name)

    assert parse_model(Counting, {"name": "x"}) == (Counting("x"), [])
    assert calls == ["x", "x"]


@settings(suppress_health_check=_SLOW, deadline=None, max_examples=25)
@given(models())
def test_every_schema_is_flat_inlined_and_of_single_types(model):
    """No host has to resolve a reference or choose between types."""
    for schema in (input_schema(model), output_schema(model)):
        jsonschema.Draft202012Validator.check_schema(schema)
        for each in _schemas(schema):
            assert not {"$ref", "$defs", "anyOf", "oneOf", "allOf", "not"} & set(each)
            assert isinstance(each.get("type", ""), str)


def _schemas(schema: Any) -> Any:
    yield schema
    inner = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
    for each in inner:
        if isinstance(each, dict):
            yield from _schemas(each)


@reglet.model
class Liberal:
    """A field for every liberty."""

    whole: int = 0
    number: float = 0.5
    maybe: str | None = None
    mode: str = "fast"


@pytest.mark.parametrize(
    ("config", "read"),
    [
        pytest.param({"whole": "443"}, Liberal(whole=443), id="a numeric string for an integer"),
        pytest.param({"number": "1.5"}, Liberal(number=1.5), id="a numeric string for a number"),
        pytest.param({"maybe": None}, Liberal(), id="null for an optional field"),
        pytest.param({"mode": None}, Liberal(), id="null for a field with a default"),
        pytest.param({"unheard_of": 1}, Liberal(), id="an unknown key"),
        pytest.param({"service": "s"}, Liberal(), id="service"),
        pytest.param({"operation": "o"}, Liberal(), id="operation"),
    ],
)
def test_beyond_the_schema_the_parser_accepts(config, read):
    """What is listed in the guide, and each of it is refused by the schema of the model alone."""
    assert parse_model(Liberal, config) == (read, [])
    assert not jsonschema.Draft202012Validator(input_schema(Liberal)).is_valid(config)


def test_a_whole_float_is_an_integer_to_both():
    """Draft 2020-12 says so too."""
    assert parse_model(Liberal, {"whole": 443.0}) == (Liberal(whole=443), [])
    assert jsonschema.Draft202012Validator(input_schema(Liberal)).is_valid({"whole": 443.0})


@pytest.mark.parametrize(
    "config", [{"whole": "4 43"}, {"whole": True}, {"mode": 5}, {"number": "x"}, {"maybe": 1}, {"whole": 1.5}]
)
def test_and_nothing_else(config):
    """Where a value can mean two things, nobody guesses."""
    value, problems = parse_model(Liberal, config)
    assert value is None
    assert len(problems) == 1
