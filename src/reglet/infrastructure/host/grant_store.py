"""Grants that a user gave for always, kept by the digest of the plugin's file."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import platformdirs
from attrs import field, frozen

from reglet.domain.entities.grants import GrantSet
from reglet.domain.errors import RegletError, WireFormatError
from reglet.infrastructure.atomic import PRIVATE, write_atomic
from reglet.infrastructure.wire.exports import GRANTS
from reglet.infrastructure.wire.go_json import decode_json

_DIGEST = re.compile(r"[0-9a-f]{64}")
_PLUGIN_KEY = "plugin"
"""The name beside the kinds of a kept grant set; readers of grants pass it over."""


class GrantStoreError(RegletError):
    """Kept grants cannot be read or written; the message names the file and what to do."""

    error_type = "config"


def grants_folder() -> Path:
    """Return where grants are kept: `REGLET_CONFIG_DIR`, else the platform's config folder for `reglet`."""
    chosen = os.environ.get("REGLET_CONFIG_DIR")
    return (Path(chosen) if chosen else platformdirs.user_config_path("reglet", appauthor=False)) / "grants"


@frozen
class KeptGrants:
    """What was granted for always to one plugin.

    Attributes:
        digest: SHA-256 of the plugin's file, hexadecimal.
        plugin: its name and version as it gave them, for a person; empty where they were not kept.
        grants: what it may do.
    """

    digest: str
    plugin: str
    grants: GrantSet


@frozen
class GrantStore:
    """One file for each plugin, its owner's alone, written beside and renamed.

    A plugin that is built anew has another digest, and is asked about again. Of two processes that remember
    at one moment, one may be forgotten: then its user is asked again.
    """

    folder: Path = field(factory=grants_folder)

    def load(self, digest: str) -> GrantSet:
        """Return what was granted for always to the plugin of this SHA-256 (hexadecimal).

        Raises:
            GrantStoreError: the file cannot be read.
        """
        return self._read(self._path(digest)).grants

    def kept(self) -> Iterator[KeptGrants]:
        """Yield what is kept, by digest.

        Raises:
            GrantStoreError: a file cannot be read.
        """
        for path in sorted(self.folder.glob("*.json")):
            if _DIGEST.fullmatch(path.stem):
                yield self._read(path)

    def remember(self, digest: str, grants: GrantSet, plugin: str = "") -> None:
        """Add `grants` to what is granted for always; `plugin` is its name for a person.

        Raises:
            GrantStoreError: the file cannot be read or written.
        """
        merged = self.load(digest).merge(grants).deduplicate()
        path = self._path(digest)
        document = {**json.loads(GRANTS.encode(merged)), _PLUGIN_KEY: plugin}
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_atomic(path, json.dumps(document).encode(), mode=PRIVATE)
        except OSError as error:
            raise GrantStoreError(
                f"{path} cannot be written ({error.strerror}); set REGLET_CONFIG_DIR to a folder that can"
            ) from error

    def forget(self, digest: str) -> None:
        """Let the plugin of this SHA-256 be asked about again.

        Raises:
            GrantStoreError: the file cannot be removed.
        """
        path = self._path(digest)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise GrantStoreError(f"{path} cannot be removed ({error.strerror})") from error

    def _read(self, path: Path) -> KeptGrants:
        try:
            content = path.read_bytes()
            grants = GRANTS.decode(content)
            document: Any = decode_json(content, "GrantSet")
        except (FileNotFoundError, NotADirectoryError):
            return KeptGrants(path.stem, "", GrantSet())
        except (OSError, WireFormatError) as error:
            raise GrantStoreError(
                f"the grants in {path} cannot be read ({error}); delete the file to be asked again"
            ) from error
        plugin = document.get(_PLUGIN_KEY) if isinstance(document, dict) else None
        return KeptGrants(path.stem, plugin if isinstance(plugin, str) else "", grants)

    def _path(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise GrantStoreError(f"{digest!r} is not a SHA-256 in hexadecimal, which grants are kept by")
        return self.folder / f"{digest}.json"
