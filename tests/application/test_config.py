"""Reading values out of a config without a model."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import reglet
from reglet.application import config
from reglet.domain.errors import ConfigError, ConfigProblemsError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def test_a_text_is_read_even_if_empty() -> None:
    """An empty text is a text."""
    assert config.get_string({"k": ""}, "k") == ""
    assert config.must_get_string({"k": ""}, "k") == ""
    assert config.get_string_default({"k": ""}, "k", "else") == ""


@pytest.mark.parametrize(
    ("value", "whole"), [(443, 443), (1.9, 1), (-1.9, -1), (10**19, 10**19), (0, 0), (1e3, 1000)]
)
def test_an_int_is_any_number_without_its_fraction(value: float, whole: int) -> None:
    """JSON does not tell 1.0 from 1."""
    assert config.get_int({"k": value}, "k") == whole


@pytest.mark.parametrize("value", [None, "42", True, False, [1], {"a": 1}, math.nan, math.inf, Decimal(5)])
def test_what_is_not_a_number_is_not_an_int(value: Any) -> None:
    """A numeric text stays a text, a boolean a boolean."""
    assert config.get_int({"k": value}, "k") is None
    assert config.get_int_default({"k": value}, "k", 7) == 7


def test_a_float_takes_integers_too() -> None:
    """443 is a number."""
    assert config.get_float({"k": 443}, "k") == 443.0
    assert type(config.get_float({"k": 443}, "k")) is float
    assert config.get_float({"k": True}, "k") is None
    assert config.get_float({"k": 10**400}, "k") is None


def test_only_booleans_are_booleans() -> None:
    """The text "true" and the number 1 are not."""
    assert config.get_bool({"k": False}, "k") is False
    assert config.get_bool({"k": "true"}, "k") is None
    assert config.get_bool({"k": 1}, "k") is None
    assert config.get_bool_default({"k": False}, "k", default=True) is False


def test_a_list_of_texts_holds_only_texts() -> None:
    """One other item spoils the list; an empty list is a list."""
    assert config.get_string_slice({"k": ["a", "b"]}, "k") == ["a", "b"]
    assert config.get_string_slice({"k": []}, "k") == []
    assert config.get_string_slice({"k": ["a", 1]}, "k") is None
    assert config.get_string_slice({"k": "ab"}, "k") is None
    assert config.get_string_slice_default({}, "k", ["x"]) == ["x"]


@pytest.mark.parametrize(
    ("read", "reason"),
    [
        (config.must_get_string, "required string field 'k' is missing or not a string"),
        (config.must_get_int, "required int field 'k' is missing or not a number"),
        (config.must_get_float, "required float field 'k' is missing or not a number"),
        (config.must_get_bool, "required bool field 'k' is missing or not a boolean"),
        (config.must_get_string_slice, "required string list field 'k' is missing or not a list of strings"),
    ],
)
def test_a_required_value_that_is_missing_names_its_field(read: Any, reason: str) -> None:
    """The error is a ConfigError with the field as its code."""
    with pytest.raises(ConfigError) as caught:
        read({"other": 1}, "k")
    detail = caught.value.detail()
    assert detail.message == f"config validation failed for field 'k': {reason}"
    assert (detail.type, detail.code) == ("config", "k")


def test_a_required_text_may_be_asked_to_be_not_empty() -> None:
    """`require_string` tells a missing field from an empty one."""
    assert config.require_string({"k": "x"}, "k") == "x"
    with pytest.raises(ConfigError, match="missing required field: k"):
        config.require_string({}, "k")
    with pytest.raises(ConfigError, match="field k must be non-empty string"):
        config.require_string({"k": ""}, "k")


def test_optional_readers_fall_back() -> None:
    """An empty text falls back, a zero does not."""
    assert config.optional_string({"k": ""}, "k", "else") == "else"
    assert config.optional_int({"k": 0}, "k", 9) == 0
    assert config.optional_int({"k": "0"}, "k", 9) == 9


def test_no_config_is_an_empty_config() -> None:
    """None answers like {}."""
    assert config.get_string(None, "k") is None
    assert config.get_int_default(None, "k", 3) == 3
    with pytest.raises(ConfigError):
        config.require_string(None, "k")


@given(JSON)
def test_any_json_value_is_read_or_refused(value: Any) -> None:
    """No reader fails on what JSON can hold, and what it gives has its type."""
    cfg = {"k": value}
    for read, kind in [
        (config.get_string, str),
        (config.get_int, int),
        (config.get_float, float),
        (config.get_bool, bool),
        (config.get_string_slice, list),
    ]:
        got = read(cfg, "k")
        assert got is None or type(got) is kind


@reglet.model
class Target:
    """A host, and a port that may be left out."""

    host: str
    port: int = reglet.field(default=443, ge=1, le=65535)


def test_a_whole_config_is_read_as_a_model() -> None:
    """Defaults are applied."""
    assert config.validate({"host": "h", "other": 1}, Target) == Target("h", 443)


def test_all_that_does_not_fit_is_told_at_once() -> None:
    """With where it stands; no config is an empty one."""
    with pytest.raises(ConfigProblemsError) as caught:
        config.validate({"host": 5, "port": 0}, Target)
    assert [problem.rpartition("@ ")[2] for problem in caught.value.problems] == ["$.host", "$.port"]
    with pytest.raises(ConfigProblemsError, match="host"):
        config.validate(None, Target)


def test_what_is_no_json_is_told_like_any_other_value() -> None:
    """A config that a program made may hold anything."""
    with pytest.raises(ConfigProblemsError) as caught:
        config.validate({"host": b"x"}, Target)
    assert "b'x'" in caught.value.problems[0]
