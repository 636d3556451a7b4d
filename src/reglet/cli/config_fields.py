"""Fields of a config that the plugin does not have: parsers pass them over, so a typing error goes unseen."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from reglet.application.config_schema import ROUTING
from reglet.application.models.error_messages import path_step

if TYPE_CHECKING:
    from reglet.domain.entities.manifest import Manifest


def warn_of_unknown_fields(config: bytes, manifest: Manifest) -> None:
    """Say on stderr which fields the config's schema does not have, at every depth, and what may be meant."""
    for path, name, known in _unknown(json.loads(config), manifest.config_schema or {}, "$"):
        if path == "$" and name in ROUTING:
            continue
        where = "its config" if path == "$" else f"{path} of its config"
        sys.stderr.write(f"warning: the plugin has no field {name!r} in {where}{_meant(name, known)}\n")


def _unknown(
    value: Any, schema: Mapping[str, Any], path: str
) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield each unknown field with the path of its object and the fields that there are."""
    properties, others = schema.get("properties"), schema.get("additionalProperties")
    if isinstance(value, dict):
        for name, entry in value.items():
            if isinstance(properties, dict) and name in properties:
                yield from _unknown(entry, properties[name], path + path_step(name))
            elif isinstance(others, dict):
                yield from _unknown(entry, others, path + path_step(name))
            elif isinstance(properties, dict):
                yield path, name, properties
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for index, item in enumerate(value):
            yield from _unknown(item, schema["items"], path + path_step(index))


def _meant(name: str, properties: Mapping[str, Any]) -> str:
    close = get_close_matches(name, properties, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there are {', '.join(map(repr, properties))}" if properties else "; there are none"
