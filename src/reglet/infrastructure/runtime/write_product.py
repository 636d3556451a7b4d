"""Writes the product's files: each beside its place and then renamed, the description last."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from typing import TYPE_CHECKING

from attrs import asdict

from reglet.infrastructure.runtime.product import DESCRIPTION_FILE, MODULE_FILE, STANDARD_LIBRARY_FILE
from reglet.infrastructure.whole_files import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from reglet.infrastructure.runtime.core import CoreRuntime

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can tell


def write_product(
    folder: Path,
    core: CoreRuntime,
    standard_library: Mapping[str, bytes],
    builtin_modules: Sequence[str],
    components: Mapping[str, str],
) -> None:
    """Write the product; whoever reads meanwhile sees the old one or the new one."""
    folder.mkdir(parents=True, exist_ok=True)
    archive = zip_of(standard_library)
    digests = {
        MODULE_FILE: hashlib.sha256(core.wasm).hexdigest(),
        STANDARD_LIBRARY_FILE: hashlib.sha256(archive).hexdigest(),
    }
    description = {
        "key": hashlib.sha256("".join(digests.values()).encode()).hexdigest(),
        "sha256": digests,
        "heap_base": core.heap_base,
        "stack_size": core.stack_size,
        "constructors": core.constructors,
        "host_functions": {name: asdict(slot) for name, slot in core.host_functions.items()},
        "builtin_modules": sorted(builtin_modules),
        "components": dict(components),
    }
    write_whole(folder / MODULE_FILE, core.wasm)
    write_whole(folder / STANDARD_LIBRARY_FILE, archive)
    write_whole(folder / DESCRIPTION_FILE, (json.dumps(description, indent=2) + "\n").encode())


def zip_of(files: Mapping[str, bytes]) -> bytes:
    """Write a zip whose bytes depend on the files alone: stored, since every zlib compresses differently."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as zipped:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix, whatever the maker's machine is
            zipped.writestr(entry, files[name])
    return archive.getvalue()
