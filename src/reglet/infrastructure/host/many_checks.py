"""Many checks over any executor: given out in batches, taken back once each, given out again if lost.

A batch names its plugin by digest. A process that does not have it yet reports so, and is sent the bytes with
the batch, so that they travel about once to each.
"""

from __future__ import annotations

import contextlib
import pickle
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence, Sized
from concurrent.futures import BrokenExecutor, Executor, Future
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

from attrs import define, field, frozen

from reglet.domain.entities.result import Result, result_error
from reglet.domain.errors import ConfigError, RegletError, error_detail
from reglet.infrastructure.host.errors import SandboxClosedError, SandboxError, WorkerLostError
from reglet.infrastructure.host.worker_processes import WorkerProcesses
from reglet.infrastructure.process import available_cores, keep_last, renewed_after_fork
from reglet.infrastructure.wire.go_json import encode_json

if TYPE_CHECKING:
    from reglet.infrastructure.host.module import Module

Config: TypeAlias = Mapping[str, Any] | bytes
"""A plugin's config, as JSON values or as JSON."""

Note: TypeAlias = Callable[[str, tuple[Any, ...]], None]
"""Takes what a sandbox tells its user during a check: the name of the argument that was given for it, and
what it is called with."""

_BATCH_SECONDS = 0.03
_LARGEST_BATCH = 16
"""Quick checks go together, so that the way there and back is a small part; slow ones go alone."""

_FIRST_BATCHES = 8
"""Given out before one has come back; then one more for each."""

_CARRIERS = 2
"""Batches that take the plugin along at one time: it is several megabytes."""

_KEPT = 4
"""Plugins that a process keeps, and modules that each of its threads does."""

_KEPT_ANSWERS, _LARGEST_KEPT = 256, 64 * 1024
"""Answers that a process keeps, and bytes of each: as many as are given before a cluster misses one."""

_UNINTERRUPTED = 0.1
"""Seconds of waiting: on Windows no signal ends a wait."""


@frozen
class CheckOutcome:
    """What came of one config among many.

    Attributes:
        index: its position among the configs, from 0.
        config: the config as it was given.
        result: the plugin's Result; a Result of status error where there is none.
        error: why there is none: what `Module.check` raises, `ConfigError` for a config that is no JSON
            object, `WorkerLostError` after the last of its runs; None if the plugin answered.
        runs: how often the check was begun.
    """

    index: int
    config: Config = field(repr=False)
    result: Result
    error: RegletError | None = None
    runs: int = 1


@frozen
class Progress:
    """How far many checks have come.

    Attributes:
        done: checks with an outcome.
        total: how many there are; None if nobody knows.
        seconds: since the first was given out.
        latest: the outcome that came last, in whatever order.
    """

    done: int
    total: int | None
    seconds: float
    latest: CheckOutcome

    @property
    def rate(self) -> float:
        """Checks a second so far."""
        return self.done / self.seconds if self.seconds else 0.0


@frozen
class Work:
    """All that a worker must know to make checks, but the plugin itself.

    Attributes:
        digest: SHA-256 of the plugin, hexadecimal.
        load: makes a module of the plugin's bytes, and passes on what its sandbox has to tell.
        fresh: as for `Module.check`.
        release: as for `Module.check`.
        key: tells it from other work in the same process.
    """

    digest: str
    load: Callable[[bytes, Note], Module]
    fresh: bool
    release: bool
    key: str = field(factory=lambda: uuid4().hex)


@frozen
class _Answer:
    """What came of one check in a worker, and what there is to be told about it."""

    outcome: Result | RegletError
    notes: Sequence[tuple[str, tuple[Any, ...]]]


@frozen
class _Answers:
    """What came of a batch, and how many seconds its checks took."""

    answers: Sequence[_Answer]
    seconds: float


_plugins: dict[str, bytes] = {}
"""By digest; the one used last comes last."""

_answered: dict[str, _Answers] = {}
"""The last answers of this process, by the key of their work and the number of the call."""

_kept_lock = renewed_after_fork(threading.Lock)

_mine = threading.local()
"""The modules of one thread, each with the list that takes its notes: one check at a time writes there."""


def remember(digest: str, plugin: bytes) -> None:
    """Keep a plugin in this process, by the SHA-256 of its bytes."""
    with _kept_lock():
        keep_last(_plugins, digest, plugin, _KEPT)


def run_batch(work: Work, configs: Sequence[bytes], packed: bytes | None, number: int) -> _Answers | None:
    """Make checks, in whatever process; None if it does not have the plugin, which `packed` may hold.

    The number makes each call another one: Dask takes equal calls for one, and runs it once. And it may ask
    twice for a call whose answer was lost with a worker: that is answered twice, and run once.
    """
    answered = _answered.get(f"{work.key} {number}")
    if answered is not None:
        return answered
    loaded: dict[str, tuple[Module, list[tuple[str, tuple[Any, ...]]]]] = _mine.__dict__
    if work.key not in loaded:
        plugin = _plugins.get(work.digest)
        if plugin is None:
            if packed is None:
                return None
            plugin = zlib.decompress(packed)
        remember(work.digest, plugin)
        notes: list[tuple[str, tuple[Any, ...]]] = []
        module = work.load(plugin, lambda name, arguments: notes.append((name, arguments)))
        keep_last(loaded, work.key, (module, notes), _KEPT)
    module, notes = loaded[work.key]
    started = time.perf_counter()
    answers = []
    for config in configs:
        outcome: Result | RegletError
        try:
            outcome = module.check(config, fresh=work.fresh, release=work.release)
        except RegletError as error:
            outcome = error
            try:
                pickle.loads(pickle.dumps(error))  # noqa: S301 - what was just written
            except Exception:  # noqa: BLE001 - an error of any kind may have any cause
                outcome = SandboxError(str(error))  # what can go to another process
        answers.append(_Answer(outcome, tuple(notes)))
        notes.clear()
    made = _Answers(answers, time.perf_counter() - started)
    if len(pickle.dumps(made)) <= _LARGEST_KEPT:
        with _kept_lock():
            keep_last(_answered, f"{work.key} {number}", made, _KEPT_ANSWERS)
    return made


@define
class _Check:
    index: int
    config: Config
    data: bytes
    runs: int = 0


@define(eq=False)
class _Batch:
    checks: list[_Check]
    takes_plugin: bool = False


class ManyChecks:
    """One plugin's checks of many configs, which are taken as they are needed."""

    def __init__(
        self,
        work: Work,
        plugin: bytes,
        tell: Note,
        executor: Executor | None,
        *,
        processes: int | None,
        retries: int,
        window: int,
        progress: Callable[[Progress], object] | None,
    ) -> None:
        """Prepare them.

        Args:
            work: what workers must know.
            plugin: its bytes.
            tell: is told what was noted during each check, in this process.
            executor: makes the checks; processes of its own if there is none, or when it broke.
            processes: how many these are; None for one a core.
            retries: how often a check whose worker was lost is given out again.
            window: configs that were taken and whose outcome is not yielded yet, at most.
            progress: is called after each outcome.

        Raises:
            ValueError: a number is too small; both `executor` and `processes` are given.
        """
        for name, value, least in (
            ("retries", retries, 0),
            ("window", window, 1),
            ("processes", processes, 1),
        ):
            if value is not None and value < least:
                raise ValueError(f"{name} must be at least {least}, not {value}")
        if executor is not None and processes is not None:
            raise ValueError("processes= is for checks without an executor: leave one of the two out")
        self._work = work
        self._plugin = plugin
        self._tell = tell
        self._executor = executor
        self._own: WorkerProcesses | None = None
        self._processes = processes or available_cores()
        self._retries = retries
        self._window = window
        self._progress = progress
        self._packed: bytes | None = None
        self._running: dict[Future[_Answers | None], _Batch] = {}
        self._ended: SimpleQueue[Future[_Answers | None]] = SimpleQueue()
        self._again: deque[_Batch] = deque()
        self._without_plugin: deque[_Batch] = deque()
        self._outcomes: deque[CheckOutcome] = deque()
        self._taken = self._yielded = self._done = 0
        self._given_out = self._returned = self._carrying = 0
        self._closed = False
        self._seconds_each = _BATCH_SECONDS

    def outcomes(self, configs: Iterable[Config], *, ordered: bool) -> Generator[CheckOutcome, None, None]:
        """Yield the outcome of each config, in their order or as they come.

        What taking the next config raises is raised when the outcomes of those before were yielded.
        """
        self._configs = enumerate(configs)
        self._total = len(configs) if isinstance(configs, Sized) else None
        self._failure: BaseException | None = None
        self._exhausted = False
        self._started = time.monotonic()
        early: dict[int, CheckOutcome] = {}
        remember(self._work.digest, self._plugin)  # for threads of this process
        try:
            while True:
                self._give_out()
                if not self._outcomes:
                    if not self._running:
                        break
                    self._take_back()
                while self._outcomes:
                    outcome = self._outcomes.popleft()
                    early[outcome.index if ordered else self._yielded] = outcome
                    while self._yielded in early:
                        self._yielded += 1
                        yield early.pop(self._yielded - 1)
        finally:
            _plugins.pop(self._work.digest, None)
            for future in self._running:
                future.cancel()
            if self._own is not None:
                self._own.shutdown()
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """End the processes of its own; what is asked for later raises `SandboxClosedError`."""
        self._closed = True
        if self._own is not None:
            self._own.shutdown()

    def _give_out(self) -> None:
        """Give out batches: what is to be done again first."""
        if self._closed:
            raise SandboxClosedError
        while len(self._running) < _FIRST_BATCHES + self._returned:
            batch: _Batch | None
            if self._without_plugin and self._carrying < _CARRIERS:
                batch = self._without_plugin.popleft()
                batch.takes_plugin = True
            else:
                batch = self._again.popleft() if self._again else self._next_batch()
            if batch is None:
                return
            for check in batch.checks:
                check.runs += 1
            if batch.takes_plugin and self._packed is None:
                self._packed = zlib.compress(self._plugin, 1)
            configs = [check.data for check in batch.checks]
            packed = self._packed if batch.takes_plugin else None
            self._carrying += batch.takes_plugin
            self._given_out += 1
            future: Future[_Answers | None] | None = None
            if self._executor is not None:
                try:
                    future = self._executor.submit(run_batch, self._work, configs, packed, self._given_out)
                except BrokenExecutor:
                    self._executor = None
            if future is None:
                self._own = self._own or WorkerProcesses(
                    self._processes, remember, (self._work.digest, self._plugin)
                )
                future = self._own.submit(run_batch, self._work, configs, packed, self._given_out)
            self._running[future] = batch
            future.add_done_callback(self._ended.put)

    def _next_batch(self) -> _Batch | None:
        """Take the next configs; None if there are none, or none that may be taken now."""
        checks: list[_Check] = []
        size = max(1, min(_LARGEST_BATCH, int(_BATCH_SECONDS / self._seconds_each)))
        while len(checks) < size and not self._exhausted and self._taken - self._yielded < self._window:
            try:
                index, config = next(self._configs)
            except StopIteration:
                self._exhausted = True
                break
            except Exception as error:  # noqa: BLE001 - raised when the outcomes so far were yielded
                self._failure = error
                self._exhausted = True
                break
            self._taken += 1
            check = _Check(index, config, b"")
            try:
                check.data = config if isinstance(config, bytes) else encode_json(dict(config))
            except (RegletError, TypeError, ValueError, RecursionError) as error:
                self._settle(check, ConfigError(reason=error))
            else:
                checks.append(check)
        return _Batch(checks) if checks else None

    def _take_back(self) -> None:
        """Wait for one batch, and see what came of it."""
        future = None
        while future is None:
            with contextlib.suppress(Empty):
                future = self._ended.get(timeout=_UNINTERRUPTED)
        batch = self._running.pop(future)
        self._carrying -= batch.takes_plugin
        try:
            answers = future.result()
        except Exception as error:  # noqa: BLE001 - executors differ in what they raise for a lost worker
            self._lost(batch, error)
            return
        if answers is None:
            for check in batch.checks:
                check.runs -= 1
            self._without_plugin.append(batch)
            return
        if batch.takes_plugin:  # one more process has it: the others that wait try without
            self._again.extendleft(reversed(self._without_plugin))
            self._without_plugin.clear()
        self._returned += 1
        self._seconds_each = (self._seconds_each + answers.seconds / len(batch.checks)) / 2
        for check, answer in zip(batch.checks, answers.answers, strict=True):
            for name, arguments in answer.notes:
                self._tell(name, arguments)
            self._settle(check, answer.outcome)

    def _lost(self, batch: _Batch, error: Exception) -> None:
        """Give the checks of a batch out again, each alone: one that ends its worker then ends no other."""
        if isinstance(error, BrokenExecutor):
            self._executor = None
        for check in batch.checks:
            if check.runs <= self._retries:
                self._again.append(_Batch([check]))
                continue
            lost = error
            if not isinstance(lost, WorkerLostError):
                lost = WorkerLostError(f"{type(error).__name__}: {error}")
                lost.__cause__ = error
            self._settle(check, lost)

    def _settle(self, check: _Check, outcome: Result | RegletError) -> None:
        """Keep what came of a check, for good."""
        result, error = (None, outcome) if isinstance(outcome, RegletError) else (outcome, None)
        if error is not None:
            result = result_error(error_detail(error))
        assert result is not None
        latest = CheckOutcome(check.index, check.config, result, error, check.runs)
        self._outcomes.append(latest)
        self._done += 1
        if self._progress is not None:
            seconds = time.monotonic() - self._started
            self._progress(Progress(self._done, self._total, seconds, latest))
