"""A plugin's reference page in Markdown, written from its manifest, so that it cannot drift."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from reglet.domain.entities.manifest import ExampleManifest, Manifest, OperationManifest, ServiceManifest

_BOUNDS = {
    "minimum": "≥ {}",
    "maximum": "≤ {}",
    "exclusiveMinimum": "> {}",
    "exclusiveMaximum": "< {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "pattern": "matches `{}`",
    "format": "{}",
}


def reference_page(manifest: Manifest) -> str:
    """Return the page: what the plugin is, what it may reach, its config and its operations."""
    return "\n".join(_lines(manifest)) + "\n"


def _lines(manifest: Manifest) -> Iterator[str]:
    yield from (f"# {manifest.name} {manifest.version}", "", manifest.description, "", "## Config", "")
    yield from _table(manifest.config_schema or {})
    for service in manifest.services.values():
        for operation in service.operations:
            yield from _operation(service, operation)


def _operation(service: ServiceManifest, operation: OperationManifest) -> Iterator[str]:
    yield from ("", f"## {service.name} {operation.name}", "", operation.description, "")
    if operation.input_fields:
        yield f"Reads {', '.join(f'`{name}`' for name in operation.input_fields)}."
    if operation.output_schema:
        yield from ("", "Answers:", "")
        yield from _table(operation.output_schema)
    for example in operation.examples:
        yield from _example(example)


def _table(schema: Mapping[str, Any]) -> Iterator[str]:
    properties: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
    if not properties:
        yield "Nothing."
        return
    yield from ("| field | type | needed | default | meaning |", "|---|---|---|---|---|")
    required = schema.get("required", ())
    for name, field in properties.items():
        needed = "yes" if name in required else "no"
        default = f"`{json.dumps(field['default'], ensure_ascii=False)}`" if "default" in field else ""
        yield f"| `{name}` | {_type(field)} | {needed} | {default} | {_meaning(field)} |"


def _type(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}))}"
    return str(field.get("type", "any"))


def _meaning(field: Mapping[str, Any]) -> str:
    bounds = [text.format(field[key]) for key, text in _BOUNDS.items() if key in field]
    return "; ".join(part for part in (field.get("description", ""), ", ".join(bounds)) if part).replace(
        "|", "\\|"
    )


def _example(example: ExampleManifest) -> Iterator[str]:
    title = f": {example.description}" if example.description else ""
    yield from ("", f"Example `{example.name}`{title}", "", "```json")
    yield from (json.dumps(example.input, ensure_ascii=False, indent=2), "```")
    if example.expected_error:
        yield from ("", f"fails with `{example.expected_error}`")
