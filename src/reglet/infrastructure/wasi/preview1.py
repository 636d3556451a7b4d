"""`wasi_snapshot_preview1` as a table of functions, for whatever engine runs the guest."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from reglet.infrastructure.wasi.file_calls import (
    DescriptorCalls,
    DirectoryCalls,
    PathCalls,
    PathChanges,
    TransferCalls,
)
from reglet.infrastructure.wasi.tree import Errno, WasiError, from_os_error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reglet.infrastructure.wasi.system import System


_REALTIME = 0
_MONOTONIC = 1

_SUBSCRIPTION_SIZE = 48
_CLOCK_SUBSCRIPTION = struct.Struct("<QBxxxxxxxIxxxxQQHxxxxxx")
"""userdata, tag, clock id, timeout, precision, flags."""
_EVENT = struct.Struct("<QHBxxxxxxxxxxxxxxxxxxxxx")
"""userdata, error, type; the rest is for sockets."""
_CLOCK_TAG = 0
_ABSOLUTE = 1
_MOST_SUBSCRIPTIONS = 1024
_LARGEST_RANDOM = 1 << 20


class ArgumentCalls:
    """`args_*` and `environ_*`."""

    def __init__(self, system: System) -> None:
        self._system = system

    def args_sizes_get(self, count: int, size: int) -> None:
        """Report how many arguments there are and how many bytes they take."""
        self._put_sizes(self._system.arguments, count, size)

    def args_get(self, pointers: int, strings: int) -> None:
        """Write the arguments."""
        self._put_strings(self._system.arguments, pointers, strings)

    def environ_sizes_get(self, count: int, size: int) -> None:
        """Report how many variables there are and how many bytes they take."""
        self._put_sizes(self._system.environment, count, size)

    def environ_get(self, pointers: int, strings: int) -> None:
        """Write the variables."""
        self._put_strings(self._system.environment, pointers, strings)

    def _put_sizes(self, values: Sequence[bytes], count: int, size: int) -> None:
        self._system.memory.write_u32(count, len(values))
        self._system.memory.write_u32(size, sum(len(value) + 1 for value in values))

    def _put_strings(self, values: Sequence[bytes], pointers: int, strings: int) -> None:
        memory = self._system.memory
        for position, value in enumerate(values):
            memory.write_u32(pointers + 4 * position, strings & 0xFFFF_FFFF)
            memory.write(strings, value + b"\0")
            strings += len(value) + 1


class ClockCalls:
    """`clock_*`, `poll_oneoff` and `sched_yield`."""

    def __init__(self, system: System) -> None:
        self._system = system

    def clock_time_get(self, clock: int, _precision: int, result: int) -> None:
        """Read a clock."""
        self._system.memory.write_u64(result, self._read(clock))

    def clock_res_get(self, clock: int, result: int) -> None:
        """Report a clock's smallest step."""
        self._read_kind(clock)
        self._system.memory.write_u64(result, self._system.clock.resolution())

    def sched_yield(self) -> None:
        """Do nothing: there is one thread."""

    def poll_oneoff(self, subscriptions: int, events: int, count: int, happened: int) -> None:
        """Wait for the first of some events. Files are always ready; so only clocks alone make a wait."""
        if not 0 < count <= _MOST_SUBSCRIPTIONS:
            raise WasiError(Errno.INVAL)
        memory = self._system.memory
        content = memory.read(subscriptions, count * _SUBSCRIPTION_SIZE)
        ready = self._wait([*_CLOCK_SUBSCRIPTION.iter_unpack(content)])
        for position, (userdata, tag) in enumerate(ready):
            memory.write(events + position * _EVENT.size, _EVENT.pack(userdata, 0, tag))
        memory.write_u32(happened, len(ready))

    def _wait(self, subscriptions: list[tuple[int, int, int, int, int, int]]) -> list[tuple[int, int]]:
        files = [(userdata, tag) for userdata, tag, *_ in subscriptions if tag != _CLOCK_TAG]
        if files:
            return files
        waits = [
            (max(0, timeout - self._read(clock)) if flags & _ABSOLUTE else timeout, userdata)
            for userdata, _, clock, timeout, _, flags in subscriptions
        ]
        shortest = min(duration for duration, _ in waits)
        self._system.clock.sleep(shortest)
        return [(userdata, _CLOCK_TAG) for duration, userdata in waits if duration == shortest]

    def _read(self, clock: int) -> int:
        if self._read_kind(clock) == _REALTIME:
            return self._system.clock.now()
        return self._system.clock.monotonic()

    @staticmethod
    def _read_kind(clock: int) -> int:
        if clock not in (_REALTIME, _MONOTONIC):
            raise WasiError(Errno.INVAL)
        return clock


class ProcessCalls:
    """`random_get` and `proc_exit`."""

    def __init__(self, system: System) -> None:
        self._system = system

    def random_get(self, address: int, size: int) -> None:
        """Write random bytes."""
        wanted = size & 0xFFFF_FFFF
        for start in range(0, wanted, _LARGEST_RANDOM):
            self._system.checkpoint()
            part = self._system.random(min(_LARGEST_RANDOM, wanted - start))
            self._system.memory.write(address + start, part)

    def proc_exit(self, status: int) -> None:
        """Note the exit; a guest that goes on after it traps."""
        self._system.exit_status = status


WASI_MODULE = "wasi_snapshot_preview1"
"""The name under which guests import these functions."""

WasiFunction = Callable[..., "int | None"]
"""Takes and answers integers, as the guest's import declares them; `proc_exit` answers nothing."""

_FAMILIES = (
    ArgumentCalls,
    ClockCalls,
    ProcessCalls,
    TransferCalls,
    DescriptorCalls,
    DirectoryCalls,
    PathCalls,
    PathChanges,
)
_FAMILY_OF = {name: family for family in _FAMILIES for name in dir(family) if not name.startswith("_")}

FUNCTION_NAMES = tuple(_FAMILY_OF)
"""The functions of preview 1 that are known here."""


def function(name: str, system: System) -> WasiFunction:
    """Return a function of preview 1 over a system; one that is not known answers NOSYS.

    It answers an error number and never raises: a failure of ours is kept in `system.failure` and answered
    as an I/O error. `proc_exit` returns too: the guest traps when it goes on.
    """
    family = _FAMILY_OF.get(name)
    if family is None:
        return unknown
    called: Callable[..., None] = getattr(family(system), name)
    return called if name == "proc_exit" else _guarded(system, called)


def unknown(*_arguments: int) -> int:
    """Stand in for a function that is not known here."""
    return Errno.NOSYS


def _number_of(error: Exception) -> Errno:
    """Return the number for what Python raises for names, times and sizes that somebody made up."""
    if isinstance(error, UnicodeError):
        return Errno.ILSEQ
    return Errno.NOMEM if isinstance(error, MemoryError) else Errno.OVERFLOW


def _guarded(system: System, method: Callable[..., None]) -> Callable[..., int]:
    def call(*arguments: int) -> int:
        try:
            method(*arguments)
        except WasiError as error:
            return error.number
        except OSError as error:
            return from_os_error(error)
        except (UnicodeError, OverflowError, struct.error, MemoryError) as error:
            return _number_of(error)
        except BaseException as error:  # noqa: BLE001  # the engine would lose it, or give it to another guest
            system.failure = error
            return Errno.IO
        return Errno.SUCCESS

    return call
