"""Guests run in threads with a stack of known size, so that Ctrl-C can stop them; the threads are kept.

As many run at one time as there are cores: more would take turns at the interpreter, and each turn that one
waits for costs more than what it does then. Further work waits for a thread that is done; where none was for
a few milliseconds it begins beside the others. So what runs for long, or waits within a call of the host,
holds up nobody.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from reglet.infrastructure.engine.compilation import MAX_WASM_STACK, engine, restore_trap_handlers
from reglet.infrastructure.process import available_cores, renewed_after_fork

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

_STACK_SIZE = MAX_WASM_STACK + 6 * 1024 * 1024
"""Bytes: the guest's stack and ample room for host functions, which run above it."""

_PATIENCE = 0.005
"""Seconds without any work begun, after which what waits for a core begins beside all others."""

_LONGEST_WAIT = 0.2
"""Seconds: not everywhere does a signal end a wait for a lock."""

_EPOCH_PAUSE = 0.05
"""Seconds between two steps of the epoch while a guest is being stopped."""

_IDLE_SECONDS = 2.0
"""After so long without work a thread ends: it holds the pages of stack that its guests touched."""


class _Inside(threading.local):
    """What a thread knows of itself."""

    threads: _Threads | None = None
    """Which guest threads it is one of; None if it is none."""


_inside = _Inside()
_stack_size_lock = renewed_after_fork(threading.Lock)


def run_in_guest_thread(work: Callable[[], T], most_seconds: float | None = None) -> T:
    """Run `work` in a thread with a guest's stack and return its result, or raise what it raised.

    Python delivers SIGINT only between its own instructions, never while a guest runs. So the caller waits
    here; on KeyboardInterrupt the engine's epoch is moved, which stops a guest whose store has an epoch
    deadline of 1, the work's end is awaited and the interrupt goes on. Within such a thread `work` is simply
    called.

    Raises:
        TimeoutError: `work` took longer than `most_seconds`; its guest was stopped in the same way.
    """
    if _inside.threads is not None:
        return work()
    started = start_in_guest_thread(work)
    in_time = False
    try:
        in_time = started.wait(most_seconds)
    finally:
        while not in_time and not started.wait(0):  # one that has not begun would miss a single step
            engine().increment_epoch()
            started.wait(_EPOCH_PAUSE)
    if not in_time:
        raise TimeoutError
    return started.result()


class GuestWork(Generic[T]):
    """Work that a guest thread does, or will do."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work: Callable[[], T] | None = work
        self._outcome: tuple[T] | BaseException | None = None
        self._running = threading.Lock()
        self._running.acquire()
        self.is_queued = False
        self.seen = 0
        """How much work had been taken from the queue when that was last looked at."""

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until it has ended, so many seconds at most; report whether it has."""
        left = threading.TIMEOUT_MAX if seconds is None else min(seconds, threading.TIMEOUT_MAX)
        deadline = time.monotonic() + left
        while True:
            longest = _PATIENCE if self.is_queued else _LONGEST_WAIT
            try:
                has_ended = self._running.acquire(timeout=max(0.0, min(left, longest)))
            finally:
                if self.is_queued:
                    _threads().begin_unless_others_do(self)
            if has_ended:
                self._running.release()
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False

    def result(self) -> T:
        """Return its result, or raise what it raised, once it has ended."""
        outcome = self._outcome
        try:
            if isinstance(outcome, BaseException):
                raise outcome
            assert outcome is not None
            return outcome[0]
        finally:
            del self, outcome  # which the traceback would hold

    def run(self) -> None:
        """Do it, in a guest thread."""
        assert self._work is not None
        restore_trap_handlers()
        try:
            self._outcome = (self._work(),)
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits, whatever it is
            self._outcome = error
        self._work = None

    def end(self) -> None:
        """Let go on whoever waits."""
        self._running.release()


def start_in_guest_thread(work: Callable[[], T]) -> GuestWork[T]:
    """Have `work` done in such a thread; whoever waits for its end decides for how long.

    Raises:
        RuntimeError: no further thread can be started.
    """
    started = GuestWork(work)
    _threads().begin_in_turn(started)
    return started


def outside_guests(wait: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call what may wait and is done within a guest's call: other work begins meanwhile."""
    threads = _inside.threads
    if threads is None:
        return wait(*args, **kwargs)
    thread = threading.get_ident()
    threads.outside.add(thread)
    if threads.queue:
        threads.begin_next()
    try:
        return wait(*args, **kwargs)
    finally:
        threads.outside.discard(thread)


class _Threads:
    """The guest threads of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._most = available_cores()
        self._running = 0
        """How many threads have work."""
        self.outside: set[int] = set()
        """Those of them that are in a call of the host; without the lock, for that is often."""
        self.queue: deque[GuestWork[Any]] = deque()
        self._taken = 0
        """How much work was taken from the queue so far."""
        self._idle: list[_GuestThread] = []
        """Those that wait for work; the one that waited the shortest is given the next."""

    def begin_in_turn(self, work: GuestWork[Any]) -> None:
        """Give work to a thread; queue it if there are as many running as cores."""
        with self._lock:
            work.is_queued, work.seen = True, self._taken
            self.queue.append(work)  # first: a thread that goes outside right now finds it
            begun = self._next()
        if begun is work:
            self._give(work)
        elif begun is not None:
            self._give_or_queue(begun)

    def begin_unless_others_do(self, work: GuestWork[Any]) -> None:
        """Give work to a thread that is queued still, if no other was taken since this was last looked at."""
        with self._lock:
            if not work.is_queued:
                return
            if work.seen != self._taken:
                work.seen = self._taken
                return
            self.queue.remove(work)
            work.is_queued = False
            self._running += 1
        self._give_or_queue(work)

    def begin_next(self) -> None:
        """Give what is queued first to a thread, if a core is free."""
        with self._lock:
            work = self._next()
        if work is not None:
            self._give_or_queue(work)

    def next_for(self, thread: _GuestThread) -> GuestWork[Any] | None:
        """Return what a thread that is done is to do next; it is idle if there is nothing."""
        with self._lock:
            self._running -= 1
            work = self._next()
            if work is None:
                self._idle.append(thread)
            return work

    def forget(self, thread: _GuestThread) -> bool:
        """Report whether a thread is idle still; it is not given work any more then."""
        with self._lock:
            if thread in self._idle:
                self._idle.remove(thread)
                return True
            return False

    def _next(self) -> GuestWork[Any] | None:
        """Take work from the queue, if a core is free; the lock is held."""
        if not self.queue or self._running - len(self.outside) >= self._most:
            return None
        self._running += 1
        self._taken += 1
        work = self.queue.popleft()
        work.is_queued = False
        return work

    def _give_or_queue(self, work: GuestWork[Any]) -> None:
        """Have a thread begin work; queue it if none can be started: whoever waits tries again."""
        try:
            self._give(work)
        except RuntimeError:
            with self._lock:
                work.is_queued = True
                self.queue.appendleft(work)

    def _give(self, work: GuestWork[Any]) -> None:
        """Have a thread begin work that is counted already."""
        with self._lock:
            thread = self._idle.pop() if self._idle else None
        try:
            if thread is None:
                _GuestThread(work).start()
            else:
                thread.give(work)
        except BaseException:
            with self._lock:
                self._running -= 1
            raise


_threads = renewed_after_fork(_Threads)


class _GuestThread(threading.Thread):
    """Does one piece of work after the other, until there has been none for a while."""

    def __init__(self, work: GuestWork[Any]) -> None:
        super().__init__(name="reglet-guest", daemon=True)
        self._work: GuestWork[Any] | None = work
        self._idle = threading.Lock()
        self._idle.acquire()

    def start(self) -> None:
        with _stack_size_lock():  # the size is the process's: it is set for as long as a thread is started
            before = threading.stack_size(_STACK_SIZE)
            try:
                super().start()
            finally:
                threading.stack_size(before)

    def give(self, work: GuestWork[Any]) -> None:
        """Have the thread do some work, which it waits for."""
        self._work = work
        self._idle.release()

    def run(self) -> None:
        _inside.threads = _threads()
        while True:
            work, self._work = self._work, None
            assert work is not None
            work.run()
            following = _threads().next_for(self)  # before the caller goes on: its next guest finds a thread
            work.end()
            del work
            if following is not None:
                self._work = following
                del following
            elif not self._idle.acquire(timeout=_IDLE_SECONDS):
                if _threads().forget(self):
                    return
                self._idle.acquire()  # somebody has just given it work
