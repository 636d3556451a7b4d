"""A plugin's reference page in Markdown, written from its manifest, so that it cannot drift."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from reglet.domain.entities.manifest import Manifest
from reglet.domain.errors import DefinitionError

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


REFERENCE_BEGINS = "<!-- reglet-plugin docs: from here to its end, this is made from the plugin's types -->"
REFERENCE_ENDS = "<!-- reglet-plugin docs: the end -->"
_REFERENCE = re.compile(f"{re.escape(REFERENCE_BEGINS)}\n.*?{re.escape(REFERENCE_ENDS)}", re.DOTALL)

_BLOCK_START = re.compile(r"[#>|]|[-+*=~](?=[-+*=~ ]|$)|\d+[.)](?= |$)|```")


def _prose(text: str) -> str:
    """Return a string of the plugin as a line of text: it is no heading, list, table or HTML of the page."""
    parts = " ".join(text.split()).split("`")
    outside = [index % 2 == 0 or len(parts) % 2 == 0 for index in range(len(parts))]  # of code, if it ends
    line = "`".join(
        part.replace("<", "\\<") if plain else part for part, plain in zip(parts, outside, strict=True)
    )
    start = _BLOCK_START.match(line)
    if start is None:
        return line
    return f"{line[: start.end() - 1]}\\{line[start.end() - 1 :]}"


def _code(text: str) -> str:
    """Return a string of the plugin as code in a line of text."""
    line = " ".join(text.split()).replace("`", "'")
    return f"`{line}`"


def reference_page(manifest: Manifest) -> str:
    """Return the page: what the plugin is, its config and its operations."""
    title = f"# {_prose(manifest.name)} {_prose(manifest.version)}"
    lines = [title, "", _prose(manifest.description), "", "## Config", ""]
    lines += _table(manifest.config_schema or {})
    for service in manifest.services.values():
        for operation in service.operations:
            heading = f"## {_prose(service.name)} {_prose(operation.name)}"
            lines += ["", heading, "", _prose(operation.description), ""]
            if operation.input_fields:
                lines.append(f"Reads {', '.join(map(_code, operation.input_fields))}.")
            if operation.output_schema:
                lines += ["", "Answers:", "", *_table(operation.output_schema)]
            for example in operation.examples:
                title = f": {_prose(example.description)}" if example.description else ""
                config = json.dumps(example.input, ensure_ascii=False, indent=2)
                lines += ["", f"Example {_code(example.name)}{title}", "", "```json", config, "```"]
                if example.expected_error:
                    lines += ["", f"fails with {_code(example.expected_error)}"]
    return "\n".join(lines) + "\n"


def with_reference(page: str, manifest: Manifest) -> str:
    """Return a page of a project, its reference between the two marks made anew.

    Raises:
        DefinitionError: the page has no marks.
    """
    _, _, sections = reference_page(manifest).partition("\n## ")
    made = f"{REFERENCE_BEGINS}\n\n## {sections}\n{REFERENCE_ENDS}"
    page, count = _REFERENCE.subn(lambda _: made, page, count=1)
    if not count:
        raise DefinitionError(
            f"the page has no place for the reference: write {REFERENCE_BEGINS} and {REFERENCE_ENDS} into it"
        )
    return page


def _table(schema: Mapping[str, Any]) -> Iterator[str]:
    properties: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
    if not properties:
        yield "Nothing."
        return
    yield from ("| field | type | needed | default | meaning |", "|---|---|---|---|---|")
    required = schema.get("required", ())
    for name, field in properties.items():
        needed = "yes" if name in required else "no"
        default = _code(json.dumps(field["default"], ensure_ascii=False)) if "default" in field else ""
        bounds = ", ".join(bound.format(field[key]) for key, bound in _BOUNDS.items() if key in field)
        meaning = "; ".join(part for part in (_prose(str(field.get("description", ""))), bounds) if part)
        cells = (_code(name), _type(field), needed, default, meaning)
        row = " | ".join(cell.replace("|", "\\|") for cell in cells)
        yield f"| {row} |"


def _type(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return " or ".join(_code(str(value)) for value in field["enum"])
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}))}"
    return _prose(str(field.get("type", "any")))
