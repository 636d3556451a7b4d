"""Clocks, sleeping, random bytes, arguments, environment, exit, and failures of our own."""

import struct

import pytest

from reglet.infrastructure.wasi.memory import Errno
from reglet.infrastructure.wasi.preview1 import unknown
from reglet.infrastructure.wasi.system import HashedRandom
from tests.wasi.guest import BUFFER, RESULT, VECTOR, Guest

SECOND = 1_000_000_000


def _subscription(userdata: int, tag: int = 0, clock: int = 1, timeout: int = 0, flags: int = 0) -> bytes:
    return struct.pack("<QBxxxxxxxIxxxxQQHxxxxxx", userdata, tag, clock, timeout, 1, flags)


def test_the_clock_moves_a_microsecond_a_reading() -> None:
    """Both clocks move together; only one tells the date."""
    guest = Guest()

    readings = []
    for clock in (0, 1, 0):
        assert guest.call("clock_time_get", clock, 1, RESULT) == Errno.SUCCESS
        readings.append(guest.long_result())

    assert readings == [SECOND + 1000, 2000, SECOND + 3000]
    assert guest.call("clock_time_get", 2, 1, RESULT) == Errno.INVAL


def test_sleeping_passes_at_once() -> None:
    """The shortest of several waits is the one that ends."""
    guest = Guest()
    guest.memory.write(VECTOR, _subscription(7, timeout=5 * SECOND) + _subscription(8, timeout=2 * SECOND))

    assert guest.call("poll_oneoff", VECTOR, BUFFER, 2, RESULT) == Errno.SUCCESS

    assert guest.result() == 1
    assert struct.unpack_from("<QHB", guest.memory.read(BUFFER, 32)) == (8, 0, 0)
    assert guest.system.clock.monotonic() == 2 * SECOND + 1000


def test_a_wait_until_a_moment() -> None:
    """An absolute time that is past does not wait."""
    guest = Guest()
    guest.memory.write(VECTOR, _subscription(7, timeout=500, flags=1))

    assert guest.call("poll_oneoff", VECTOR, BUFFER, 1, RESULT) == Errno.SUCCESS
    assert guest.system.clock.monotonic() == 2000


def test_files_are_ready_without_a_wait() -> None:
    """A wait for a file and a clock ends at once, for the file."""
    guest = Guest()
    guest.memory.write(VECTOR, _subscription(7, timeout=SECOND) + _subscription(8, tag=1))

    assert guest.call("poll_oneoff", VECTOR, BUFFER, 2, RESULT) == Errno.SUCCESS
    assert struct.unpack_from("<QHB", guest.memory.read(BUFFER, 32)) == (8, 0, 1)
    assert guest.system.clock.monotonic() == 1000


@pytest.mark.parametrize("count", [0, -1, 1 << 20])
def test_a_poll_of_nothing_or_too_much_is_refused(count: int) -> None:
    """The number of subscriptions is bounded."""
    assert Guest().call("poll_oneoff", VECTOR, BUFFER, count, RESULT) == Errno.INVAL


def test_random_bytes_repeat_for_a_seed() -> None:
    """The same seed gives the same bytes, another seed others, and the next bytes differ from the last."""
    first, again, other = HashedRandom(b"a"), HashedRandom(b"a"), HashedRandom(b"b")

    assert [first(40), first(40)] == [again(40), again(40)]
    assert len({first(16), first(16), other(16)}) == 3


def test_random_bytes_reach_the_guest() -> None:
    """As many as were asked for, and none beyond the memory."""
    guest = Guest()

    assert guest.call("random_get", BUFFER, 9) == Errno.SUCCESS
    assert guest.memory.read(BUFFER, 10) == HashedRandom(b"seed")(9) + b"\0"
    assert guest.call("random_get", BUFFER, -1) == Errno.FAULT


def test_arguments_and_environment() -> None:
    """Each string ends in NUL and its address stands in the table."""
    guest = Guest(arguments=["plugin"], environment={"A": "1", "B": "ü"})

    assert guest.call("environ_sizes_get", RESULT, RESULT + 4) == Errno.SUCCESS
    assert struct.unpack("<II", guest.memory.read(RESULT, 8)) == (2, 9)
    assert guest.call("environ_get", RESULT, BUFFER) == Errno.SUCCESS
    assert struct.unpack("<II", guest.memory.read(RESULT, 8)) == (BUFFER, BUFFER + 4)
    assert guest.memory.read(BUFFER, 9) == b"A=1\0B=\xc3\xbc\0"
    assert guest.call("args_sizes_get", RESULT, RESULT + 4) == Errno.SUCCESS
    assert struct.unpack("<II", guest.memory.read(RESULT, 8)) == (1, 7)


def test_an_exit_is_noted() -> None:
    """The status is kept for whoever runs the guest."""
    guest = Guest()
    guest.functions["proc_exit"](3)

    assert guest.system.exit_status == 3


def test_a_failure_of_ours_is_kept_and_not_raised() -> None:
    """The guest gets an I/O error; the cause stays on the system."""

    def broken(_size: int) -> bytes:
        raise KeyError("ours")

    guest = Guest(random=broken)

    assert guest.call("random_get", BUFFER, 4) == Errno.IO
    assert repr(guest.system.failure) == "KeyError('ours')"


def test_an_os_error_has_its_number() -> None:
    """What the platform refuses is told to the guest as such."""

    def full(_content: bytes) -> None:
        raise OSError(28, "No space left on device")

    guest = Guest(stdout=full)

    assert guest.write(1, b"x") == Errno.NOSPC
    assert guest.system.failure is None


def test_a_closed_system_touches_no_memory() -> None:
    """After the guest is gone, a late call is a failure of ours, not a crash."""
    guest = Guest()
    guest.system.close()

    assert guest.call("args_sizes_get", RESULT, RESULT) == Errno.IO


def test_what_is_not_known_is_not_supported() -> None:
    """A function of another preview answers so."""
    assert unknown(1, 2, 3) == Errno.NOSYS
