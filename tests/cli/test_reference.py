"""The reference page of a plugin, in Markdown and in HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from markdown import Markdown

from reglet.cli import main
from reglet.cli.docs import html_page, markdown_page, markdown_sections
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
$ reglet-plugin run web.wasm \\
  --config '{"url": "u"}' \\
  --grants declared
```

Answers at least:

```json
{
  "status": 200
}
```

`down`

```console
$ reglet-plugin run web.wasm \\
  --config '{"url": "d"}' \\
  --grants declared
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
        FieldRow("rules[].port", "integer", required=True, limits=("at most 9",), parent="rules[]."),
        FieldRow("labels", "map of string"),
        FieldRow("labels.*", "string", limits=("at most 3 characters",), parent="labels"),
        FieldRow("names", "list of string"),
        FieldRow("level", "object"),
        FieldRow("level.of", "number", limits=("more than 0",), parent="level."),
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
    assert field_rows(schema) == []


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


class Outline(HTMLParser):
    """Collects the tags of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, attribute: str) -> list[str | None]:
        """Return what the attribute is on each tag that has it."""
        return [attributes[attribute] for _, attributes in self.tags if attribute in attributes]


@pytest.fixture(scope="module")
def plain() -> Outline:
    """The page with a string that means nothing to HTML."""
    return Outline(html_page(hostile("plain")))


@pytest.mark.parametrize("trick", [*TRICKS.values(), "\" onload='x' {{ 7 * 7 }}", "\u202e\x1b"])
def test_a_string_of_the_plugin_is_text_in_html(trick: str, plain: Outline):
    """The page has the tags and attributes that it would have with any other string, and no more lines."""
    page = Outline(html_page(hostile(trick)))
    left_out = ("code", "span", "wbr")  # of code in prose, JSON and names
    shape = [(tag, *names) for tag, names in page.tags if tag not in left_out]
    assert shape == [(tag, *names) for tag, names in plain.tags if tag not in left_out]
    assert set(page.text) - {"\n"} == {each for each in page.text if each.isprintable()}


def test_the_html_page_stands_alone():
    """It runs no script, loads nothing, and its links lead to places on it."""
    example = ExampleManifest("e", {"url": "u"}, "", {"a": [1, "x"]}, "boom")
    page = Outline(html_page(manifest_of(OperationManifest("check it", "", ("url",), SCHEMA, (example,)))))
    assert {"script", "img", "iframe", "object", "embed", "form"}.isdisjoint(tag for tag, _ in page.tags)
    assert page.values("src") == []
    assert [link for tag, each in page.tags if tag == "link" and (link := each["href"]) != "data:,"] == []
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    targets = {f"#{each}" for each in ids}
    assert {each["href"] for tag, each in page.tags if tag == "a"} <= targets
    policy = next(each["content"] for tag, each in page.tags if "http-equiv" in each)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_the_html_page_can_be_heard_and_walked():
    """One main heading and none skipped, a scope for each header of a table, what scrolls can be reached."""
    example = ExampleManifest("e", {"url": "u"}, "", {"a": 1})
    page = Outline(html_page(manifest_of(OperationManifest("check", "", ("url",), SCHEMA, (example,)))))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all("scope" in each for tag, each in page.tags if tag == "th")
    assert all(each["tabindex"] == "0" and each["aria-label"] for tag, each in page.tags if tag == "pre")
    assert {"main", "nav", "header", "footer"} <= {tag for tag, _ in page.tags}
    assert ("html", {"lang": "en"}) in page.tags


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb` (WCAG 2.2)."""
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_has_the_contrast_that_reading_needs(theme: int):
    """4.5 to 1 at least (WCAG 2.2, AA), of each colour on each ground on which it stands."""
    style = files("reglet.cli").joinpath("reference.html").read_text(encoding="utf-8")
    block = re.findall(r":root \{(.*?)\}", style, re.DOTALL)[theme]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
    grounds = {name: ["page", "raised", "accent-soft"] for name in ("text", "soft", "accent", "code")}
    grounds |= {name: ["raised"] for name in ("string", "number")}
    grounds |= {name: [f"{name}-soft", "page"] for name in ("none", "low", "medium", "high", "critical")}
    for name, others in grounds.items():
        for other in others:
            dark, light = sorted((luminance(colours[name]), luminance(colours[other])))
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (name, other)


PLUGIN = """
import reglet
plugin = reglet.define_plugin(name='made', version='1', description='d')
"""


def test_the_form_of_the_page_follows_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A file that is called so gets HTML; the option decides where it is given."""
    source = tmp_path / "made_docs_plugin.py"
    source.write_text(PLUGIN)
    for name, options in (("p.HTML", []), ("p.txt", ["--format", "html"])):
        assert main(["docs", str(source), "-o", str(tmp_path / name), *options]) == 0
        assert (tmp_path / name).read_text().startswith("<!doctype html>")
    assert main(["docs", str(source), "-o", str(tmp_path / "p.html"), "--format", "markdown"]) == 0
    assert (tmp_path / "p.html").read_text().startswith("# made 1\n")
    assert main(["docs", str(source), "--format", "html"]) == 0
    assert capsys.readouterr().out.startswith("<!doctype html>")
