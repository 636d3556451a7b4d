"""A stand-in for a guest: it calls the functions of preview 1 as compiled code would, on memory of its own."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Mapping
from typing import Any

from reglet.infrastructure.wasi.memory import Errno, LinearMemory
from reglet.infrastructure.wasi.preview1 import FUNCTION_NAMES, function
from reglet.infrastructure.wasi.system import HashedRandom, SteppingClock, System
from reglet.infrastructure.wasi.tree import MemoryFile, ReadOnlyTree, Tree, directory_of

SIZE = 1 << 16
PATH, VECTOR, RESULT, BUFFER = 0x100, 0x1100, 0x1200, 0x2000
READ, WRITE = 1 << 1, 1 << 6


class Guest:
    """Calls by name; paths and results are put where a compiled guest would put them."""

    def __init__(
        self, *, tree: Tree | None = None, files: Mapping[str, bytes] | None = None, **system: Any
    ) -> None:
        shown = tree or ReadOnlyTree(directory_of({p: MemoryFile(c) for p, c in (files or {}).items()}))
        self.out: list[bytes] = []
        self.err: list[bytes] = []
        given = {
            "clock": SteppingClock(start=1_000_000_000),
            "random": HashedRandom(b"seed"),
            "preopens": [("/data", shown)],
            "stdout": self.out.append,
            "stderr": self.err.append,
        }
        self.system = System(**(given | system))
        self._bytes = ctypes.create_string_buffer(SIZE)
        self.memory = LinearMemory(ctypes.addressof(self._bytes), lambda: SIZE)
        self.system.attach(self.memory)
        self.functions = {name: function(name, self.system) for name in FUNCTION_NAMES}

    def call(self, name: str, *arguments: int) -> Errno:
        """Call a function with plain numbers."""
        return Errno(self.functions[name](*arguments))

    def path_call(self, name: str, number: int, path: str, *rest: int, lookup: int | None = 1) -> Errno:
        """Call a function that takes a path, after its lookup flags where it has any."""
        content = path.encode()
        self.memory.write(PATH, content)
        flags = () if lookup is None else (lookup,)
        return self.call(name, number, *flags, PATH, len(content), *rest)

    def open(
        self, path: str, *, how: int = 0, rights: int = READ, flags: int = 0, number: int = 3
    ) -> int | Errno:
        """Open a path; return its descriptor, or why not."""
        error = self.path_call("path_open", number, path, how, rights, 0, flags, RESULT)
        return error or self.result()

    def read(self, number: int, size: int = 4096, offset: int | None = None) -> bytes | Errno:
        """Read from a descriptor, at its position or at an offset."""
        self.memory.write(VECTOR, struct.pack("<II", BUFFER, size))
        if offset is None:
            error = self.call("fd_read", number, VECTOR, 1, RESULT)
        else:
            error = self.call("fd_pread", number, VECTOR, 1, offset, RESULT)
        return error or self.memory.read(BUFFER, self.result())

    def write(self, number: int, content: bytes) -> int | Errno:
        """Write to a descriptor."""
        self.memory.write(BUFFER, content)
        self.memory.write(VECTOR, struct.pack("<II", BUFFER, len(content)))
        return self.call("fd_write", number, VECTOR, 1, RESULT) or self.result()

    def status(self, path: str, *, lookup: int = 1) -> tuple[int, ...] | Errno:
        """Return (device, inode, type, links, size, three times) of a path."""
        error = self.path_call("path_filestat_get", 3, path, RESULT, lookup=lookup)
        return error or struct.unpack("<QQB7xQQQQQ", self.memory.read(RESULT, 64))

    def names(self, number: int, room: int = 4096) -> list[str]:
        """List a directory as libc does, asking again from the last whole entry's cookie."""
        names: list[str] = []
        cookie = 0
        while True:
            assert self.call("fd_readdir", number, BUFFER, room, cookie, RESULT) == Errno.SUCCESS
            content = self.memory.read(BUFFER, self.result())
            at = 0
            while at + 24 <= len(content):
                following, _, size, _ = struct.unpack_from("<QQIB", content, at)
                if at + 24 + size > len(content):
                    break
                names.append(content[at + 24 : at + 24 + size].decode())
                cookie = following
                at += 24 + size
            if len(content) < room:
                return names

    def result(self) -> int:
        """Return the 32-bit result of the last call."""
        return int.from_bytes(self.memory.read(RESULT, 4), "little")

    def long_result(self) -> int:
        """Return the 64-bit result of the last call."""
        return int.from_bytes(self.memory.read(RESULT, 8), "little")
