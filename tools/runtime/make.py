"""Makes the product: the wheel's libraries, linked, and its standard library, compiled."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from reglet.infrastructure import wasm
from reglet.infrastructure.atomic import write_atomic
from reglet.infrastructure.build.runtime import Runtime
from reglet.infrastructure.engine import run_in_guest_thread
from reglet.infrastructure.runtime import (
    DESCRIPTION_FILE,
    MODULE_FILE,
    PRODUCT_FOLDER,
    STANDARD_LIBRARY_FILE,
    RuntimeProductError,
    made_by,
)
from tools.runtime import sources
from tools.runtime.core import ADAPTER, link_runtime
from tools.runtime.sources import linux_extension, take_parts
from tools.runtime.standard_library import chosen, compile_all

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reglet.infrastructure.runtime import RuntimeModule

_MAKERS = (Path(__file__).parent, PRODUCT_FOLDER.parent, Path(wasm.__file__).parent)
"""The packages whose code decides what the product is."""


def make_product(folder: Path = PRODUCT_FOLDER, *, progress: Callable[[str], object] = print) -> None:
    """Make the product in `folder`; it takes about 10 seconds.

    Raises:
        WheelError: the pinned componentize-py for Linux could not be had.
        LinkError: its libraries and the adapter do not fit together.
        GuestError: the interpreter did not compile a module.
    """
    progress("take the libraries out of componentize-py")
    parts = take_parts(linux_extension())
    adapter = ADAPTER.read_bytes()
    progress("link the runtime module")
    core = link_runtime(parts.libraries, adapter)
    progress("compile the standard library")
    files = chosen(parts.standard_library)
    compiled, modules = run_in_guest_thread(lambda: compile_all(Runtime.of(core), files))
    progress(f"write {folder}")
    write_product(folder, core, compiled, modules, _components(adapter))


def is_up_to_date(folder: Path = PRODUCT_FOLDER) -> bool:
    """Report whether `folder` has the product that this code and its pinned inputs make."""
    try:
        return made_by(folder) == _maker_digest()
    except RuntimeProductError:
        return False


def _maker_digest() -> str:
    digest = hashlib.sha256()
    for package in _MAKERS:
        for path in sorted(package.rglob("*.py")):
            digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    digest.update(ADAPTER.read_bytes())
    return digest.hexdigest()


def _components(adapter: bytes) -> dict[str, str]:
    return {
        "maker": _maker_digest(),
        "componentize-py": sources.COMPONENTIZE_PY,
        "cpython": sources.CPYTHON,
        "adapter": hashlib.sha256(adapter).hexdigest(),
        "standard library": sources.STANDARD_LIBRARY_SHA256,
        **{library.name: library.sha256 for library in sources.LIBRARIES},
    }


_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can tell


def write_product(
    folder: Path,
    core: RuntimeModule,
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
        "room": (core.room.start, core.room.stop),
        "constructors": core.constructors,
        "host_functions": {name: slot._asdict() for name, slot in core.host_functions.items()},
        "signatures": core.signatures,
        "startup": core.startup,
        "optional": [
            {"modules": modules, "functions": functions} for modules, functions in core.optional.items()
        ],
        "plugin_exports": sources.PLUGIN_EXPORTS,
        "builtin_modules": sorted(builtin_modules),
        "components": dict(components),
    }
    write_atomic(folder / MODULE_FILE, core.wasm)
    write_atomic(folder / STANDARD_LIBRARY_FILE, archive)
    write_atomic(folder / DESCRIPTION_FILE, (json.dumps(description) + "\n").encode())


def zip_of(files: Mapping[str, bytes]) -> bytes:
    """Write a zip whose bytes depend on the files alone: stored, since every zlib compresses differently."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as zipped:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3  # Unix, whatever the maker's machine is
            zipped.writestr(entry, files[name])
    return archive.getvalue()
