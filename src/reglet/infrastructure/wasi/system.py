"""All that one guest sees of a system: memory, open files, clock, random bytes, arguments, environment.

What is called of it is `preview1`, which like `tree` is imported for the first guest that needs it.
"""

from __future__ import annotations

import hashlib
import posixpath
from typing import TYPE_CHECKING, Protocol

from attrs import define

from reglet.infrastructure.wasi.memory import FILE_NAME_ERRORS, Errno, FileType, WasiError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reglet.infrastructure.wasi.memory import LinearMemory
    from reglet.infrastructure.wasi.tree import Checkpoint, DirectoryEntry, OpenFile, OpenFlags, Tree


_FIRST_FREE = 3
_MOST_OPEN = 128
"""A process often may have 1,024 files open, which all of its guests share with the host itself."""
_MOST_LISTED = 100_000
"""Entries of open directories that are kept, unless one alone has more; some 30 MB."""


@define(eq=False, repr=False)
class Stream:
    """One of the standard streams; standard input is always at its end."""

    sink: Callable[[bytes], object] | None


@define(eq=False, repr=False)
class Descriptor:
    """An open file or directory within a tree."""

    tree: Tree
    path: str
    """Relative to the tree's root; empty for the root."""
    file: OpenFile
    type: FileType
    flags: OpenFlags
    guest_path: str
    """As the guest named it, for messages."""
    preopened: bool = False
    position: int = 0
    listing: Sequence[DirectoryEntry] | None = None

    def resolve(self, path: str) -> str:
        """Return `path`, which is relative to this directory, relative to the tree's root.

        A path that is absolute or climbs above this directory raises WasiError(NOTCAPABLE).
        """
        if self.type is not FileType.DIRECTORY:
            raise WasiError(Errno.NOTDIR)
        if not path:
            raise WasiError(Errno.NOENT)
        if path.startswith("/") or posixpath.normpath(path).split("/")[0] == "..":
            raise WasiError(Errno.NOTCAPABLE)
        return posixpath.join(self.path, path)


class Descriptors:
    """Numbers of what is open: streams 0 to 2, the preopens, then what the guest opens (128 at most)."""

    def __init__(
        self,
        preopens: Sequence[tuple[str, Tree]],
        stdout: Callable[[bytes], object],
        stderr: Callable[[bytes], object],
        checkpoint: Checkpoint,
    ) -> None:
        self._open: dict[int, Stream | Descriptor] = {0: Stream(None), 1: Stream(stdout), 2: Stream(stderr)}
        if not preopens:
            return
        from reglet.infrastructure.wasi.tree import OpenFlags

        flags = OpenFlags(directory=True)
        for guest_path, tree in preopens:
            root = tree.open("", flags)
            seen = tree.within(checkpoint)
            self.add(Descriptor(seen, "", root, FileType.DIRECTORY, flags, guest_path, preopened=True))

    def add(self, descriptor: Descriptor) -> int:
        """Return the lowest free fd, under which what was opened now is."""
        if len(self._open) >= _MOST_OPEN:
            descriptor.file.close()
            raise WasiError(Errno.MFILE)
        fd = next(n for n in range(_FIRST_FREE, _FIRST_FREE + _MOST_OPEN) if n not in self._open)
        self._open[fd] = descriptor
        return fd

    def get(self, fd: int) -> Stream | Descriptor:
        """Return what is open under a number."""
        try:
            return self._open[fd]
        except KeyError as error:
            raise WasiError(Errno.BADF) from error

    def file(self, fd: int) -> Descriptor:
        """Return the file or directory open under a number; a stream is none."""
        found = self.get(fd)
        if isinstance(found, Stream):
            raise WasiError(Errno.SPIPE)
        return found

    def forget_listings_but(self, opened: Descriptor) -> None:
        """Let go of the entries of other directories once there are too many: they are listed anew."""
        others = [each for each in self._open.values() if isinstance(each, Descriptor) and each is not opened]
        if sum(len(each.listing or ()) for each in (opened, *others)) > _MOST_LISTED:
            for each in others:
                each.listing = None

    def close(self, fd: int) -> None:
        """Close what is open under a number."""
        found = self.get(fd)
        del self._open[fd]
        if isinstance(found, Descriptor):
            found.file.close()

    def close_all(self) -> None:
        """Close everything."""
        while self._open:
            _, found = self._open.popitem()
            if isinstance(found, Descriptor):
                found.file.close()

    def opened_by_guest(self) -> list[Descriptor]:
        """Return what the guest opened itself and has not closed."""
        return [d for d in self._open.values() if isinstance(d, Descriptor) and not d.preopened]


class Clock(Protocol):
    """Time as the guest reads it, in nanoseconds."""

    def now(self) -> int:
        """Return the time since 1970."""
        ...

    def monotonic(self) -> int:
        """Return the time since a start of its own; it never goes back."""
        ...

    def resolution(self) -> int:
        """Return the smallest step of both."""
        ...

    def sleep(self, duration: int) -> None:
        """Let `duration` pass, or as much of it as the guest may wait."""
        ...

    def is_over(self) -> bool:
        """Whether the guest must stop."""
        ...


_STEP = 1_000
"""Nanoseconds between two readings of the clock."""


class SteppingClock:
    """A clock that moves 1 µs a reading, and jumps on when the guest sleeps.

    Args:
        start: nanoseconds since 1970 before the first reading.
    """

    def __init__(self, start: int) -> None:
        self._start = start
        self._passed = 0
        self.readings = 0

    def now(self) -> int:
        """Return the start and what has passed since."""
        return self._start + self._read()

    def monotonic(self) -> int:
        """Return what has passed."""
        return self._read()

    def resolution(self) -> int:
        """Return the step, 1 µs."""
        return _STEP

    def sleep(self, duration: int) -> None:
        """Pass at once."""
        self._passed += duration

    def is_over(self) -> bool:
        """Return False: whoever runs the guest stops it."""
        return False

    def _read(self) -> int:
        self.readings += 1
        self._passed += _STEP
        return self._passed


class HashedRandom:
    """Random bytes from SHA-256 over a counter."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._blocks = 0
        self.requests = 0

    def __call__(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        self.requests += 1
        content = bytearray()
        while len(content) < size:
            content += hashlib.sha256(self._seed + self._blocks.to_bytes(8, "little")).digest()
            self._blocks += 1
        return bytes(content[:size])


class WriteQuota:
    """What a guest may still write to files: bytes written or, where that is more, by which a file grows.

    So a sparse file counts whole. To open a file for writing and to make a directory costs 4 KiB.
    """

    ENTRY = 4096

    def __init__(self, limit: int | None) -> None:
        self._limit = self._left = limit

    def renew(self) -> None:
        """Begin anew."""
        self._left = self._limit

    def take(self, size: int) -> None:
        """Count bytes; raise WasiError(DQUOT) if they are more than are left."""
        if self._left is None:
            return
        if size > self._left:
            raise WasiError(Errno.DQUOT)
        self._left -= size


class NotAttachedError(RuntimeError):
    """A guest called before its memory was attached: a start function that uses WASI."""


class System:
    """One guest's system. Preview 1's functions (`functions`) work on it; whoever runs the guest owns it.

    No function raises through the engine. What went wrong on our side is kept in `failure` and the guest
    gets an I/O error; whoever called the guest must look there afterwards.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        random: Callable[[int], bytes],
        preopens: Sequence[tuple[str, Tree]] = (),
        environment: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
        stdout: Callable[[bytes], object],
        stderr: Callable[[bytes], object],
        written_bytes: int | None = None,
    ) -> None:
        """Make a system.

        Args:
            clock: answers and sleeps.
            random: returns so many random bytes.
            preopens: guest paths of directories, and what is seen there.
            environment: variables.
            arguments: the program's name first; may be empty.
            stdout: takes what the guest writes to descriptor 1.
            stderr: the same for descriptor 2.
            written_bytes: what may be written to files, see `WriteQuota`; None for no limit.
        """
        self.clock = clock
        self.random = random
        self.environment = [
            f"{name}={value}".encode(errors=FILE_NAME_ERRORS) for name, value in (environment or {}).items()
        ]
        self.arguments = [argument.encode(errors=FILE_NAME_ERRORS) for argument in arguments]
        self.descriptors = Descriptors(preopens, stdout, stderr, self.checkpoint)
        self.quota = WriteQuota(written_bytes)
        self.failure: BaseException | None = None
        self.exit_status: int | None = None
        self._memory: LinearMemory | None = None

    @property
    def memory(self) -> LinearMemory:
        """The guest's memory."""
        if self._memory is None:
            raise NotAttachedError
        return self._memory

    def checkpoint(self) -> None:
        """Raise WasiError(TIMEDOUT) once the guest must stop: an epoch stops none of our own calls."""
        if self.clock.is_over():
            raise WasiError(Errno.TIMEDOUT)

    def attach(self, memory: LinearMemory) -> None:
        """Let the system use the guest's memory, once the guest is instantiated."""
        self._memory = memory

    def close(self) -> None:
        """Close all files and let go of the memory, which must not be used after its store is gone."""
        self.descriptors.close_all()
        self._memory = None
