"""Where the runtime's parts come from: componentize-py's Linux wheel, each part pinned by its SHA-256."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from reglet.domain.errors import RegletError
from reglet.infrastructure.wasi.memory import WASI_MODULE
from reglet.infrastructure.wasm.sections import HEADER
from reglet.infrastructure.wasm.snapshot import HOST_MODULE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


COMPONENTIZE_PY = "0.25.1"
"""The release of componentize-py whose Linux wheel holds the libraries."""

CPYTHON = "3.14"
"""The CPython in it."""

EXTENSION = "componentize_py/componentize_py.abi3.so"
"""The file of the wheel that holds them, as zstd frames."""


@frozen
class PinnedLibrary:
    """A shared library of the wheel."""

    name: str
    sha256: str


LIBRARIES = (
    PinnedLibrary("libc.so", "f1b113e24a8c7774f361d7318ababd98124f3b75889f8b5fc0ab10f97c17e42d"),
    PinnedLibrary(
        "libwasi-emulated-getpid.so", "9c09b6361fcf03bfa26a11e39177462472a2c293dbed9d9020b0c08b47166e8b"
    ),
    PinnedLibrary(
        "libwasi-emulated-process-clocks.so",
        "4d9173a2b8dbeaf1f6aca286c50eec651ef03bbe5c4c61cc8e2a5c0f3f3141c0",
    ),
    PinnedLibrary(
        "libwasi-emulated-signal.so", "e6758eba79ff4f6daf93e4cab0ea6768ccb0d2657b00369ff4599d0593c1f4e9"
    ),
    PinnedLibrary("libpython3.14.so", "0ab4ec14447dc6a983de96b294d904a9a2b77126a1b96ff1a6ae340c72405549"),
)
"""In the order in which they are initialised."""

STANDARD_LIBRARY_SHA256 = "a76328effed5519d274887d29143707a79bad8ea52332fdaf5a4fd2ae0611133"
"""Of the sorted (name, content) pairs: the order in the archive differs from wheel to wheel."""

INTERFACE_LIBRARY = "adapter"
HOST_MODULES = frozenset({WASI_MODULE, HOST_MODULE})

HOST_FUNCTIONS = ("http_request", "dns_lookup", "tcp_connect", "smtp_connect", "exec_command")
"""Those that a build may leave out, in the order of the adapter's bits."""

BUILD_EXPORTS = (
    "_python_initialize",
    "_run",
    "_keep_objects",
    "_forget_process_state",
    "_declare_host_functions",
)
"""What a build calls and a plugin does not keep, beside the constructors."""

PLUGIN_EXPORTS = ("allocate", "deallocate", "_manifest", "_observe", "describe", "schema", "observe")
"""What hosts call (ABI section 1; the last three are the older app's), beside `memory`."""

TRAPS = frozenset(
    {
        "wasi:sockets/ip-name-lookup#[method]resolve-address-stream.resolve-next-address",
        "wasi:sockets/ip-name-lookup#[method]resolve-address-stream.subscribe",
        "wasi:sockets/ip-name-lookup#[resource-drop]resolve-address-stream",
        "wasi:sockets/tcp#[method]tcp-socket.accept",
        "wasi:sockets/tcp#[method]tcp-socket.finish-bind",
        "wasi:sockets/tcp#[method]tcp-socket.finish-connect",
        "wasi:sockets/tcp#[method]tcp-socket.finish-listen",
        "wasi:sockets/tcp#[method]tcp-socket.hop-limit",
        "wasi:sockets/tcp#[method]tcp-socket.is-listening",
        "wasi:sockets/tcp#[method]tcp-socket.keep-alive-count",
        "wasi:sockets/tcp#[method]tcp-socket.keep-alive-enabled",
        "wasi:sockets/tcp#[method]tcp-socket.keep-alive-idle-time",
        "wasi:sockets/tcp#[method]tcp-socket.keep-alive-interval",
        "wasi:sockets/tcp#[method]tcp-socket.local-address",
        "wasi:sockets/tcp#[method]tcp-socket.receive-buffer-size",
        "wasi:sockets/tcp#[method]tcp-socket.remote-address",
        "wasi:sockets/tcp#[method]tcp-socket.send-buffer-size",
        "wasi:sockets/tcp#[method]tcp-socket.set-hop-limit",
        "wasi:sockets/tcp#[method]tcp-socket.set-keep-alive-count",
        "wasi:sockets/tcp#[method]tcp-socket.set-keep-alive-enabled",
        "wasi:sockets/tcp#[method]tcp-socket.set-keep-alive-idle-time",
        "wasi:sockets/tcp#[method]tcp-socket.set-keep-alive-interval",
        "wasi:sockets/tcp#[method]tcp-socket.set-listen-backlog-size",
        "wasi:sockets/tcp#[method]tcp-socket.set-receive-buffer-size",
        "wasi:sockets/tcp#[method]tcp-socket.set-send-buffer-size",
        "wasi:sockets/tcp#[method]tcp-socket.shutdown",
        "wasi:sockets/tcp#[method]tcp-socket.start-bind",
        "wasi:sockets/tcp#[method]tcp-socket.start-connect",
        "wasi:sockets/tcp#[method]tcp-socket.start-listen",
        "wasi:sockets/tcp#[method]tcp-socket.subscribe",
        "wasi:sockets/tcp#[resource-drop]tcp-socket",
        "wasi:sockets/udp#[method]incoming-datagram-stream.receive",
        "wasi:sockets/udp#[method]incoming-datagram-stream.subscribe",
        "wasi:sockets/udp#[method]outgoing-datagram-stream.check-send",
        "wasi:sockets/udp#[method]outgoing-datagram-stream.send",
        "wasi:sockets/udp#[method]outgoing-datagram-stream.subscribe",
        "wasi:sockets/udp#[method]udp-socket.finish-bind",
        "wasi:sockets/udp#[method]udp-socket.local-address",
        "wasi:sockets/udp#[method]udp-socket.receive-buffer-size",
        "wasi:sockets/udp#[method]udp-socket.remote-address",
        "wasi:sockets/udp#[method]udp-socket.send-buffer-size",
        "wasi:sockets/udp#[method]udp-socket.set-receive-buffer-size",
        "wasi:sockets/udp#[method]udp-socket.set-send-buffer-size",
        "wasi:sockets/udp#[method]udp-socket.set-unicast-hop-limit",
        "wasi:sockets/udp#[method]udp-socket.start-bind",
        "wasi:sockets/udp#[method]udp-socket.stream",
        "wasi:sockets/udp#[method]udp-socket.subscribe",
        "wasi:sockets/udp#[method]udp-socket.unicast-hop-limit",
        "wasi:sockets/udp#[resource-drop]incoming-datagram-stream",
        "wasi:sockets/udp#[resource-drop]outgoing-datagram-stream",
        "wasi:sockets/udp#[resource-drop]udp-socket",
    }
)
"""What libc imports for sockets and never reaches, since the adapter refuses to make one."""


_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
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
    wanted = {library.sha256: library.name for library in LIBRARIES}
    found: dict[str, bytes] = {}
    standard_library: dict[str, bytes] | None = None
    for frame in _frames(extension):
        if frame.startswith(HEADER):
            name = wanted.get(hashlib.sha256(frame).hexdigest())
            if name is not None:
                found[name] = frame
        elif frame[_TAR_MAGIC_AT:].startswith(_TAR_MAGIC):
            with tarfile.open(fileobj=io.BytesIO(frame)) as tar:
                opened = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
                files_in_it = {name.removeprefix("./"): file.read() for name, file in opened.items() if file}
            if digest_of_tree(files_in_it) == STANDARD_LIBRARY_SHA256:
                standard_library = files_in_it
    missing = sorted(set(wanted.values()) - set(found))
    if standard_library is None:
        missing.append("the standard library")
    if missing or standard_library is None:
        release = f"componentize-py {COMPONENTIZE_PY}"
        raise WheelError(f"not the Linux wheel of {release}: {', '.join(missing)} not found in it")
    return Parts(found, standard_library)


def digest_of_tree(tree: Mapping[str, bytes]) -> str:
    """Return the SHA-256 of names and contents, sorted by name."""
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


_REQUIREMENT = f"componentize-py=={COMPONENTIZE_PY}"
_LINUX = "manylinux_2_28_x86_64"


def linux_extension() -> bytes:
    """Return the extension module of componentize-py's Linux wheel.

    Raises:
        WheelError: on Linux, componentize-py is not installed; elsewhere, pip could not fetch it.
    """
    return installed_extension() if sys.platform == "linux" else fetched_extension()


def installed_extension() -> bytes:
    """Read the extension module of the installed componentize-py.

    Raises:
        WheelError: it is not installed.
    """
    try:
        listed = files("componentize-py") or ()
    except PackageNotFoundError:
        raise WheelError(f"componentize-py is not installed: pip install {_REQUIREMENT}") from None
    for each in listed:
        if str(each) == EXTENSION:
            return Path(str(each.locate())).read_bytes()
    raise WheelError(f"the installed componentize-py has no {EXTENSION}; the Linux wheel has")


def fetched_extension() -> bytes:
    """Have pip fetch the Linux wheel; pip keeps it in its cache.

    Raises:
        WheelError: pip could not; the message has what it printed.
    """
    options = (
        "--no-deps",
        "--only-binary=:all:",
        "--platform",
        _LINUX,
        "--disable-pip-version-check",
        "--quiet",
    )
    with tempfile.TemporaryDirectory() as folder:
        ran = subprocess.run(  # noqa: S603 - the arguments are written above
            [sys.executable, "-m", "pip", "download", *options, "--dest", folder, _REQUIREMENT],
            capture_output=True,
            text=True,
            check=False,
        )
        wheels = list(Path(folder).glob("*.whl"))
        if ran.returncode or not wheels:
            raise WheelError(f"pip could not fetch the Linux wheel of {_REQUIREMENT}: {ran.stderr.strip()}")
        with zipfile.ZipFile(wheels[0]) as wheel:
            return wheel.read(EXTENSION)
