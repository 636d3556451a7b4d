"""`index.json`: the plugins of a repository and where they are published, as hosts list them."""

from __future__ import annotations

import json
from collections.abc import Iterable

from reglet.infrastructure.registry.artifact import ArtifactError, Metadata


def encode_index(plugins: Iterable[Metadata], *, repository: str, registry: str, updated: str) -> bytes:
    """Return the index, its plugins in the order of their names.

    Args:
        plugins: the newest of each.
        repository: the URL of their source.
        registry: what precedes a plugin's name in its reference.
        updated: a timestamp in RFC 3339.

    Raises:
        ArtifactError: two plugins have one name.
    """
    by_name: dict[str, Metadata] = {}
    for plugin in plugins:
        other = by_name.setdefault(plugin.name, plugin)
        if other is not plugin:
            raise ArtifactError(
                f"two plugins are named {plugin.name}, {other.version} and {plugin.version}: an index has "
                "the newest of each"
            )
    facts = {
        "repository": repository,
        "registry": registry,
        "updated": updated,
        "plugins": [
            {
                "name": name,
                "description": plugin.description,
                "capabilities": list(plugin.capabilities),
                "latest": plugin.version,
            }
            for name, plugin in sorted(by_name.items())
        ],
    }
    return (json.dumps(facts, indent=2, ensure_ascii=False) + "\n").encode()
