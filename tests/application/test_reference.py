"""The reference page of a plugin."""

from __future__ import annotations

import re

import pytest

from reglet.application.reference import reference_page
from reglet.domain.entities.manifest import ExampleManifest, Manifest, OperationManifest, ServiceManifest

PAGE = """\
# web 1.0.0

Checks pages

## Config

| field | type | needed | default | meaning |
|---|---|---|---|---|
| `url` | string | yes |  | URL a\\|b |
| `method` | `GET` or `POST` | no | `"GET"` |  |
| `tries` | integer | no |  | ≥ 1, ≤ 9 |
| `names` | list of string | no |  |  |

## web check

Checks one page

Reads `url`.

Answers:

Nothing.

Example `basic`: a page

```json
{
  "url": "u"
}
```

fails with `boom`
"""


def test_the_page_tells_all_that_the_manifest_tells():
    """Config with types, defaults and bounds; operations with their answers and examples."""
    schema = {
        "properties": {
            "url": {"type": "string", "description": "URL a|b"},
            "method": {"type": "string", "enum": ["GET", "POST"], "default": "GET"},
            "tries": {"type": "integer", "minimum": 1, "maximum": 9},
            "names": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["url"],
    }
    example = ExampleManifest("basic", {"url": "u"}, "a page", expected_error="boom")
    operation = OperationManifest(
        "check", "Checks one page", ("url",), {"properties": {}, "type": "object"}, (example,)
    )
    services = {"web": ServiceManifest("web", "Pages", (operation,))}
    manifest = Manifest("web", "1.0.0", "Checks pages", config_schema=schema, services=services)
    assert reference_page(manifest) == PAGE


@pytest.mark.parametrize(
    "trick", ["# Safe", "x\n\n# Safe", "<script>x</script>", "` <img>", "a | b", "- x", "1. x", "```", "> x"]
)
def test_a_string_of_the_plugin_makes_no_heading_table_or_html(trick: str):
    """The page has the headings, rows and tags that it would have with any other string."""
    schema = {"type": "object", "properties": {trick: {"type": trick, "description": trick, "enum": [trick]}}}

    def page(text: str) -> str:
        operation = OperationManifest(text, text, (text,), None, (ExampleManifest("e", description=text),))
        config = schema if text == trick else {"type": "object", "properties": {"p": {"enum": ["a"]}}}
        services = {"s": ServiceManifest(text, text, (operation,))}
        return reference_page(Manifest(text, "1.0.0", text, config_schema=config, services=services))

    def outline(markdown: str) -> list[str]:
        starts = (re.match(r"(#+|>|[-*+] |\d+[.)]|```|\|)?", line) for line in markdown.splitlines())
        return [start[0] for start in starts if start]

    assert outline(page(trick)) == outline(page("plain"))
    rows = [line.replace("\\|", "") for line in page(trick).splitlines() if line.startswith("|")]
    assert [row.count("|") for row in rows] == [6, 6, 6]
    assert not re.search(r"(?<!\\)<(?=[a-z/])", re.sub(r"`[^`\n]*`", "", page(trick)))
