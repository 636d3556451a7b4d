"""Fields of a config that its schema has nothing of."""

from __future__ import annotations

import pytest

from reglet.application.models.config_warnings import config_warnings


def test_fields_that_a_schema_does_not_have_or_deprecates_are_found_at_every_depth():
    """With their path and the nearest name; keys that the author does not know are never misspelt."""
    target = {
        "type": "object",
        "properties": {
            "host": {"type": "string"},
            "port": {"type": "integer"},
            "name": {"type": "string", "deprecated": True, "description": "write host"},
        },
        "additionalProperties": False,
    }
    properties = {
        "targets": {"type": "array", "items": target},
        "by_name": {"type": "object", "additionalProperties": target},
        "labels": {"type": "object"},
    }
    config = {
        "targets": [{"host": "h"}, {"prt": 8443, "name": "h"}],
        "by_name": {"a-b": {"hots": "h"}},
        "labels": {"any": "thing"},
        "service": "s",
        "tаrgets": [],  # noqa: RUF001 - the second letter is Cyrillic
    }
    assert list(config_warnings(config, {"type": "object", "properties": properties})) == [
        "the plugin has no field 'prt' in $.targets[1] of its config; did you mean 'port'?",
        "config field $.targets[1].name is deprecated: write host",
        "the plugin has no field 'hots' in $.by_name[\"a-b\"] of its config; did you mean 'host'?",
        "the plugin has no field 't\\u0430rgets' in its config; did you mean 'targets'?",
    ]


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"properties": {}}, ["the plugin has no field 'x' in its config; there are none"]),
        ({"properties": {"abc": {}}}, ["the plugin has no field 'x' in its config; there are 'abc'"]),
        ({"properties": None, "additionalProperties": True}, []),
        ({}, []),
    ],
)
def test_a_field_that_resembles_no_other_is_told_with_those_there_are(schema, said):
    """Whoever made the schema."""
    assert list(config_warnings({"x": 1, "operation": "o"}, schema)) == said
