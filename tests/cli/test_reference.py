"""The reference page of a plugin, in Markdown."""

from __future__ import annotations

import re
from typing import Any

import pytest
from markdown import Markdown

from reglet.cli.docs import markdown_fields, markdown_page, markdown_sections
from reglet.cli.reference import FieldRow, field_rows, reference_of
from reglet.domain.entities.grants import (
    EnvironmentCapability,
    ExecCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
    KeyValueCapability,
    KeyValueRule,
    NetworkCapability,
    NetworkRule,
)
from reglet.domain.entities.manifest import ExampleManifest, Manifest, OperationManifest, ServiceManifest

TRICKS = {
    "heading": "# Safe",
    "line end": "x\n\n# Safe",
    "script": "<script>x</script>",
    "image in code": "` <img>",
    "entity": "&lt;img&gt;",
    "bar": "a | b",
    "escaped bar": r"a \| b \\| c",
    "bar in code": r"`a | b \| c`",
    "list": "- x",
    "numbers": "1. x",
    "fence": "```",
    "tildes": "~~~",
    "quote": "> x",
    "link": "[x](javascript:y) ![x](https://example.com/x)",
    "emphasis": "*x* _x_ **x** __x__ snake_case",
    "code in code": "`` a ` b ``",
    "backslash": "\\",
}

PAGE = """\
# web 1.0.0

Checks pages

## In a profile

```yaml
observations:
  - plugin: web
    config:
      url: "u"
```

## Capabilities

The most that it can be granted; a user grants these or less. Risk: **medium**.

| may | what | risk |
|---|---|---|
| network | `example.com` on `443` | medium: outbound network access |

## web

Pages

### web check

Checks one page

#### Input

| field | type | required | default | meaning |
|---|---|---|---|---|
| `url` | string | yes |  | URL a&#124;b |
| `method` | string | no | `"GET"` | one of `"GET"`, `"POST"` |
| `tries` | integer | no |  | 1 to 9 |

#### Output

Nothing.

#### Examples

`basic`: a page

```console
$ reglet-plugin run web.wasm --config '{"url": "u"}' --grants declared
```

Answers at least:

```json
{
  "status": 200
}
```

`down`

```console
$ reglet-plugin run web.wasm --config '{"url": "d"}' --grants declared
```

Fails with `boom`.

## Limits

| of each check | at most |
|---|---|
| memory | 256 MB |
| a config, and each request to the host | 1 MB |
| the body of a response, the output of a command | 10 MB |
| threads | one |
| files, variables, hosts, commands | what is granted, nothing else |

The plugin is made with SDK 0.1.0.
"""

SCHEMA: dict[str, Any] = {
    "properties": {
        "url": {"type": "string", "description": "URL a|b"},
        "method": {"type": "string", "enum": ["GET", "POST"], "default": "GET"},
        "tries": {"type": "integer", "minimum": 1, "maximum": 9},
    },
    "required": ["url"],
}
WEB = GrantSet(network=NetworkCapability([NetworkRule(["example.com"], ["443"])]))


def manifest_of(*operations: OperationManifest, schema: Any = SCHEMA, grants: GrantSet = WEB) -> Manifest:
    """Return the manifest of a plugin with one service."""
    service = ServiceManifest("web", "Pages", operations)
    return Manifest("web", "1.0.0", "Checks pages", "0.1.0", "", schema, grants, {"web": service})


def test_the_page_has_all_that_the_manifest_has():
    """Capabilities with their risk, input with types, defaults and bounds, examples as commands and results."""
    examples = (
        ExampleManifest("basic", {"url": "u"}, "a page", {"status": 200}),
        ExampleManifest("down", {"url": "d"}, expected_error="boom"),
    )
    empty = {"properties": {}, "type": "object"}
    operation = OperationManifest("check", "Checks one page", ("url", "method", "tries"), empty, examples)
    page = markdown_page(manifest_of(operation))
    assert page == PAGE
    assert markdown_sections(manifest_of(operation), level=3).startswith("### In a profile\n")


def test_nested_fields_have_rows_with_their_paths():
    """Objects in objects, in lists and in maps; items with bounds of their own; what is not there is not shown."""
    schema = {
        "properties": {
            "rules": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": {"port": {"type": "integer", "maximum": 9}},
                    "required": ["port"],
                },
            },
            "labels": {"type": "object", "additionalProperties": {"type": "string", "maxLength": 3}},
            "names": {"type": "array", "items": {"type": "string"}},
            "level": {"type": "object", "properties": {"of": {"type": "number", "exclusiveMinimum": 0}}},
        },
        "required": ["rules"],
    }
    assert field_rows(schema) == [
        FieldRow("rules", "list of object", required=True, limits=("at least 1 items",)),
        FieldRow("rules[].port", "integer", required=True, limits=("at most 9",)),
        FieldRow("labels", "map of string"),
        FieldRow("labels.*", "string", limits=("at most 3 characters",)),
        FieldRow("names", "list of string"),
        FieldRow("level", "object"),
        FieldRow("level.of", "number", limits=("more than 0",)),
    ]


@pytest.mark.parametrize(
    ("schema", "type_"),
    [
        ({"type": "string", "format": "date-time"}, "timestamp"),
        ({"type": "string", "format": "hostname"}, "hostname"),
        ({"type": ["string", "null"]}, "string or null"),
        ({"type": "array"}, "list"),
        ({"type": "array", "items": {"type": "array", "items": {}}}, "list of list of any"),
        ({"properties": {}}, "object"),
        ({"type": 5}, "5"),
        ({}, "any"),
    ],
)
def test_a_type_is_told_in_words(schema: dict[str, Any], type_: str):
    """Those of this SDK, of others, and what is no type at all."""
    assert field_rows({"properties": {"f": schema}})[0].type == type_


@pytest.mark.parametrize("schema", [{}, {"properties": []}, {"properties": {"a": 1}, "required": 1}])
def test_a_schema_of_another_form_has_no_rows(schema: dict[str, Any]):
    """A module of another SDK may say anything."""
    assert markdown_fields(schema) == "Nothing."


def test_an_operation_among_others_says_how_it_is_called():
    """By service and operation, in its examples too; what one of them may require is not called optional."""
    example = ExampleManifest("e", {"url": "u"})
    get, tell = (
        OperationManifest("get", "", ("url",), None, (example,)),
        OperationManifest("tell", "", ("to",)),
    )
    schema = {
        "properties": {"service": {}, "operation": {}, "url": {}, "to": {"default": 1}, "region": {}},
        "required": [],
    }
    page = markdown_page(manifest_of(get, tell, schema=schema))
    assert 'Called by `service: "web"` and `operation: "get"`.' in page
    assert """--config '{"service": "web", "operation": "get", "url": "u"}'""" in page
    assert "| `url` | any | maybe |  |  |" in page
    assert "| `to` | any | no | `1` |  |" in page
    assert page.index("## Config") < page.index("| `region` |") < page.index("## web")
    assert "`service` |" not in page


def test_each_kind_of_capability_has_rows_with_its_risk():
    """A rule of files is one for what it reads and one for what it writes; keys are not assessed."""
    grants = GrantSet(
        NetworkCapability([NetworkRule(["*"], ["*"])]),
        FileSystemCapability([FileSystemRule(["/etc/**"], ["/tmp/x"])]),
        EnvironmentCapability(["HOME", "USER"]),
        ExecCapability(["/bin/ls"]),
        KeyValueCapability([KeyValueRule(["k"], "read")]),
    )
    reference = reference_of(manifest_of(grants=grants))
    assert reference.risk == "critical"
    assert [(row.kind, row.values, row.risk) for row in reference.capabilities] == [
        ("network", ("*",), "critical"),
        ("read files", ("/etc/**",), "medium"),
        ("write files", ("/tmp/x",), "high"),
        ("read variables", ("HOME", "USER"), "low"),
        ("run commands", ("/bin/ls",), "critical"),
        ("read keys", ("k",), "none"),
    ]
    assert "None: it asks for nothing." in markdown_page(manifest_of(grants=GrantSet()))


def hostile(text: str) -> Manifest:
    """Return a manifest that says the same everywhere."""
    field = {"type": text, "description": text, "enum": [text], "default": text, "pattern": text}
    example = ExampleManifest(text, {text: text}, text, {text: text}, text)
    operation = OperationManifest(text, text, (text,), {"properties": {text: field}}, (example,))
    grants = GrantSet(network=NetworkCapability([NetworkRule([text], [text])]), exec=ExecCapability([text]))
    services = {"s": ServiceManifest(text, text, (operation,))}
    return Manifest(text, text, text, text, text, {"properties": {text: field}}, grants, services)


def outline(page: str) -> list[str]:
    """Return the tags of a page as Python-Markdown draws it, without code and emphasis."""
    drawn = Markdown(extensions=["tables", "fenced_code"]).convert(page)
    return [tag for tag in re.findall(r"</?[a-z0-9]+", drawn) if tag.lstrip("</") not in ("code", "em")]


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS)
def test_a_string_of_the_plugin_makes_no_heading_table_or_html(trick: str):
    """The page has the headings, rows, links and tags that it would have with any other string."""
    assert outline(markdown_page(hostile(trick))) == outline(markdown_page(hostile("plain")))


def test_what_is_not_printed_is_an_escape():
    """In text as in a terminal; in JSON as JSON has it, so that the command means the same."""
    page = markdown_page(hostile("a\u202eb\x1b\u200b"))
    assert page.isprintable() or set(page) - {"\n"} == {each for each in page if each.isprintable()}
    assert r"a\\u202eb\\x1b\\u200b" in page
    assert r'"a\u202eb\u001b\u200b"' in page
