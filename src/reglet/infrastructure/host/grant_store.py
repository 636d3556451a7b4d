"""Grants that a user gave for always, kept by the digest of the plugin's file."""

from __future__ import annotations

import os
import re
from pathlib import Path

import platformdirs
from attrs import field, frozen

from reglet.domain.entities.grants import GrantSet
from reglet.domain.errors import RegletError, WireFormatError
from reglet.infrastructure.atomic import PRIVATE, write_atomic
from reglet.infrastructure.wire.manifest import GRANTS

_DIGEST = re.compile(r"[0-9a-f]{64}")


class GrantStoreError(RegletError):
    """Kept grants cannot be read or written; the text names the file and what to do."""

    error_type = "config"


def grants_folder() -> Path:
    """Return where grants are kept: `REGLET_CONFIG_DIR`, else the platform's config folder for `reglet`."""
    chosen = os.environ.get("REGLET_CONFIG_DIR")
    return (Path(chosen) if chosen else platformdirs.user_config_path("reglet")) / "grants"


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
        path = self._path(digest)
        try:
            return GRANTS.decode(path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return GrantSet()
        except (OSError, WireFormatError) as error:
            raise GrantStoreError(
                f"the grants in {path} cannot be read ({error}); delete the file to be asked again"
            ) from error

    def remember(self, digest: str, grants: GrantSet) -> None:
        """Add `grants` to what is granted for always.

        Raises:
            GrantStoreError: the file cannot be read or written.
        """
        merged = self.load(digest).merge(grants).deduplicate()
        path = self._path(digest)
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_atomic(path, GRANTS.encode(merged), mode=PRIVATE)
        except OSError as error:
            raise GrantStoreError(
                f"{path} cannot be written ({error.strerror}); set REGLET_CONFIG_DIR to a folder that can"
            ) from error

    def _path(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise GrantStoreError(f"{digest!r} is not a SHA-256 in hexadecimal, which grants are kept by")
        return self.folder / f"{digest}.json"
