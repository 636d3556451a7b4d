"""Configs as hosts send them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from reglet.application.models.shapes import Listing, Record, Shape, Table
from reglet.application.models.writing import write_shape
from reglet.domain.entities.json_value import JSONValue


def encoded(config: Mapping[str, Any] | bytes | None) -> bytes:
    """Return a config as the JSON that a host sends: sorted keys, no spaces.

    Bytes stay as they are; None is no config, and so no bytes.

    Raises `TypeError` or `ValueError` for what is no JSON.
    """
    if config is None:
        return b""
    if isinstance(config, bytes):
        return config
    return json.dumps(dict(config), sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def written(shape: Shape, value: Any) -> JSONValue:
    """Return a model's value as JSON with its secrets, which a plugin must get to run."""
    if value is None:
        return None
    match shape:
        case Record(fields=fields):
            return {each.name: written(each.shape, getattr(value, each.attribute)) for each in fields}
        case Listing(item=item):
            return [written(item, entry) for entry in value]
        case Table(value=inner):
            return {name: written(inner, entry) for name, entry in value.items()}
        case _:
            return write_shape(shape, value)
