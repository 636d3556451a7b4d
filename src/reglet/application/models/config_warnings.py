"""What to say of a config's fields that its JSON Schema does not have, or calls deprecated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reglet.application.names import ROUTING, closest_name, path_step


def _has_known_fields(schema: Any) -> bool:
    """Report whether an object whose fields the schema knows lies anywhere in what it describes."""
    return isinstance(schema, Mapping) and (
        "properties" in schema
        or _has_known_fields(schema.get("items"))
        or _has_known_fields(schema.get("additionalProperties"))
    )


def flat_fields(schema: Mapping[str, Any]) -> frozenset[str]:
    """Return the fields that `config_warnings` has nothing to say of, whatever is in them."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping):
        return frozenset()
    return frozenset(
        name
        for name, each in properties.items()
        if isinstance(each, Mapping) and not each.get("deprecated") and not _has_known_fields(each)
    )


def config_warnings(value: Any, schema: Mapping[str, Any], path: tuple[str | int, ...] = ()) -> Iterator[str]:
    """Yield what to say of fields that a config's schema does not have, or calls deprecated further down.

    Those at the top may be deprecated by one operation alone. `path` is where the value lies in the config.
    """
    properties, others = schema.get("properties"), schema.get("additionalProperties")
    if isinstance(value, dict):
        fields: Mapping[str, Any] = properties if isinstance(properties, Mapping) else {}
        for name, entry in value.items():
            known = fields.get(name)
            if isinstance(known, Mapping):
                if path and known.get("deprecated") is True:
                    yield deprecation(_written((*path, name)), known.get("description"))
                yield from config_warnings(entry, known, (*path, name))
            elif isinstance(others, Mapping):
                yield from config_warnings(entry, others, (*path, name))
            elif properties is fields and (path or name not in ROUTING):
                where = f"{_written(path)} of its config" if path else "its config"
                yield _unknown(name, fields, where)
    elif isinstance(value, list) and _has_known_fields(schema.get("items")):
        flat = flat_fields(schema["items"])
        for index, item in enumerate(value):
            if isinstance(item, list) or (isinstance(item, dict) and not flat.issuperset(item)):
                yield from config_warnings(item, schema["items"], (*path, index))


def deprecation(field: str, description: str | None) -> str:
    """Return what to say of a config's field that is deprecated: its description has what to do instead."""
    return f"config field {field} is deprecated: {description or 'leave it out'}"


def _written(path: tuple[str | int, ...]) -> str:
    return "$" + "".join(map(path_step, path))


def _unknown(name: str, known: Mapping[str, Any], where: str) -> str:
    close = closest_name(name, known)
    if close:  # and where both look alike, what they are made of
        written = ascii(name) if close.isascii() else repr(name)
        return f"the plugin has no field {written} in {where}; did you mean {close!r}?"
    there_are = f"there are {', '.join(map(repr, known))}" if known else "there are none"
    return f"the plugin has no field {name!r} in {where}; {there_are}"
