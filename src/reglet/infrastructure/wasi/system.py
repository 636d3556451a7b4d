"""All that one guest sees of a system: memory, files, clock, random bytes, arguments, environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from reglet.infrastructure.wasi.descriptors import Descriptors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reglet.infrastructure.wasi.memory import LinearMemory
    from reglet.infrastructure.wasi.tree import Tree


class Clock(Protocol):
    """Time as the guest reads it, in nanoseconds."""

    def now(self) -> int:
        """Return the time since 1970."""
        ...

    def monotonic(self) -> int:
        """Return the time since some moment; it never goes back."""
        ...

    def resolution(self) -> int:
        """Return the smallest step of both."""
        ...

    def sleep(self, duration: int) -> None:
        """Let `duration` pass, or as much of it as the guest may wait."""
        ...


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
        """
        self.clock = clock
        self.random = random
        self.environment = [f"{name}={value}".encode() for name, value in (environment or {}).items()]
        self.arguments = [argument.encode() for argument in arguments]
        self.descriptors = Descriptors(preopens, stdout, stderr)
        self.failure: BaseException | None = None
        self.exit_status: int | None = None
        self._memory: LinearMemory | None = None

    @property
    def memory(self) -> LinearMemory:
        """The guest's memory."""
        if self._memory is None:
            raise NotAttachedError
        return self._memory

    def attach(self, memory: LinearMemory) -> None:
        """Give the system the guest's memory, once the guest is instantiated."""
        self._memory = memory

    def close(self) -> None:
        """Close all files and let go of the memory, which must not be used after its store is gone."""
        self.descriptors.close_all()
        self._memory = None
