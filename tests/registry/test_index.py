"""`index.json`: in the order of names, each plugin once."""

from __future__ import annotations

import json

import pytest

from reglet.infrastructure.registry.artifact import ArtifactError, Metadata
from reglet.infrastructure.registry.index import encode_index

WHERE = {
    "repository": "https://code.example.com/acme/plugins",
    "registry": "registry.example.com/acme/plugins",
    "updated": "2026-01-02T03:04:05Z",
}


def test_an_index_has_the_form_that_hosts_list():
    """The newest version of each plugin, and the kinds of its capabilities."""
    plugins = [Metadata("tcp", "1.1.0", "Ports", ("network",)), Metadata("file", "1.0.0", "Files", ("fs",))]
    assert json.loads(encode_index(plugins, **WHERE)) == {
        **WHERE,
        "plugins": [
            {"name": "file", "description": "Files", "capabilities": ["fs"], "latest": "1.0.0"},
            {"name": "tcp", "description": "Ports", "capabilities": ["network"], "latest": "1.1.0"},
        ],
    }


def test_two_plugins_of_one_name_are_an_error():
    """Which of them is the newest is not guessed."""
    with pytest.raises(ArtifactError, match=r"two plugins are named tcp, 1\.0\.0 and 1\.1\.0"):
        encode_index([Metadata("tcp", "1.0.0"), Metadata("tcp", "1.1.0")], **WHERE)
