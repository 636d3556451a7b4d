"""A plugin's reference page in Markdown, written from its manifest, so that it cannot drift."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from reglet.domain.entities.manifest import Manifest

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
    """Return the page: what the plugin is, its config and its operations."""
    lines = [f"# {manifest.name} {manifest.version}", "", manifest.description, "", "## Config", ""]
    lines += _table(manifest.config_schema or {})
    for service in manifest.services.values():
        for operation in service.operations:
            lines += ["", f"## {service.name} {operation.name}", "", operation.description, ""]
            if operation.input_fields:
                lines.append(f"Reads {', '.join(f'`{name}`' for name in operation.input_fields)}.")
            if operation.output_schema:
                lines += ["", "Answers:", "", *_table(operation.output_schema)]
            for example in operation.examples:
                title = f": {example.description}" if example.description else ""
                config = json.dumps(example.input, ensure_ascii=False, indent=2)
                lines += ["", f"Example `{example.name}`{title}", "", "```json", config, "```"]
                if example.expected_error:
                    lines += ["", f"fails with `{example.expected_error}`"]
    return "\n".join(lines) + "\n"


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
        bounds = ", ".join(bound.format(field[key]) for key, bound in _BOUNDS.items() if key in field)
        meaning = "; ".join(part for part in (field.get("description", ""), bounds) if part)
        escaped = meaning.replace("|", "\\|")
        yield f"| `{name}` | {_type(field)} | {needed} | {default} | {escaped} |"


def _type(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}))}"
    return str(field.get("type", "any"))
