"""The reference page of a plugin."""

from __future__ import annotations

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
