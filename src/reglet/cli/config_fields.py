"""Fields of a config that the plugin does not have: parsers pass them over, so a typing error goes unseen."""

from __future__ import annotations

import json
import sys
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reglet.domain.entities.manifest import Manifest

_ROUTING = frozenset({"service", "operation"})


def warn_of_unknown_fields(config: bytes, manifest: Manifest) -> None:
    """Say on stderr which fields no operation has, and what may have been meant."""
    properties = (manifest.config_schema or {}).get("properties")
    if not isinstance(properties, dict):
        return
    for name in json.loads(config):
        if name not in properties and name not in _ROUTING:
            sys.stderr.write(
                f"warning: the plugin has no field {name!r} in its config{_meant(name, properties)}\n"
            )


def _meant(name: str, properties: dict[str, object]) -> str:
    close = get_close_matches(name, properties, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there are {', '.join(map(repr, properties))}" if properties else "; there are none"
