"""The libraries inside componentize-py's extension module: zstd frames in its data, taken out and checked."""

from __future__ import annotations

import hashlib
import io
import tarfile
from typing import TYPE_CHECKING

from attrs import field, frozen

from reglet.domain.errors import RegletError
from reglet.infrastructure.runtime import sources

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_WASM_MAGIC = b"\0asm\1\0\0\0"
_TAR_MAGIC = b"ustar"
_TAR_MAGIC_AT = 257
_LARGEST_FRAME = 64 << 20


class WheelError(RegletError):
    """The componentize-py wheel is absent, another release, or not the Linux one."""


@frozen
class Parts:
    """What the runtime is made of. Files of the standard library by their path below it."""

    libraries: Mapping[str, bytes] = field(repr=False)
    standard_library: Mapping[str, bytes] = field(repr=False)


def take_parts(extension: bytes) -> Parts:
    """Take the pinned parts out of the extension module.

    Raises:
        WheelError: one of them is not there.
    """
    wanted = {library.sha256: library.name for library in sources.LIBRARIES}
    found: dict[str, bytes] = {}
    standard_library: dict[str, bytes] | None = None
    for frame in _frames(extension):
        if frame.startswith(_WASM_MAGIC):
            name = wanted.get(hashlib.sha256(frame).hexdigest())
            if name is not None:
                found[name] = frame
        elif frame[_TAR_MAGIC_AT:].startswith(_TAR_MAGIC):
            files_in_it = _untar(frame)
            if digest_of_tree(files_in_it) == sources.STANDARD_LIBRARY_SHA256:
                standard_library = files_in_it
    missing = sorted(set(wanted.values()) - set(found))
    if standard_library is None:
        missing.append("the standard library")
    if missing or standard_library is None:
        release = f"componentize-py {sources.COMPONENTIZE_PY}"
        raise WheelError(f"not the Linux wheel of {release}: {', '.join(missing)} not found in it")
    return Parts(found, standard_library)


def digest_of_tree(tree: Mapping[str, bytes]) -> str:
    """Give the SHA-256 of names and contents, sorted by name."""
    digest = hashlib.sha256()
    for name in sorted(tree):
        digest.update(f"{len(name)} {name} {len(tree[name])} ".encode())
        digest.update(tree[name])
    return digest.hexdigest()


def _frames(extension: bytes) -> Iterator[bytes]:
    import zstandard

    view = memoryview(extension)
    at = extension.find(_ZSTD_MAGIC)
    while at >= 0:
        decompressor = zstandard.ZstdDecompressor(max_window_size=_LARGEST_FRAME).decompressobj()
        try:
            frame = decompressor.decompress(view[at:])
        except zstandard.ZstdError:
            frame = b""  # the magic number by chance
        if decompressor.eof:
            yield frame
        at = extension.find(_ZSTD_MAGIC, at + 1)


def _untar(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        contents = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
        return {name.removeprefix("./"): file.read() for name, file in contents.items() if file is not None}
