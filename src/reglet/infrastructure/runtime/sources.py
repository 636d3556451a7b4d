"""Where the runtime's parts come from: each pinned by its SHA-256."""

from __future__ import annotations

from attrs import frozen

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
HOST_MODULES = frozenset({"wasi_snapshot_preview1", "reglet_host"})

HOST_FUNCTIONS = ("http_request", "dns_lookup", "tcp_connect", "smtp_connect", "exec_command")
"""Those that a build may leave out, in the order of the adapter's bits."""

BUILD_EXPORTS = ("_python_initialize", "_run", "_forget_process_state", "_declare_host_functions")
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
