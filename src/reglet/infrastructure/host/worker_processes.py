"""An executor of processes, in which a process that dies fails its own job alone, and none is left behind.

A process is a new interpreter: nothing is forked, and the program's own main module is not imported in it, so
that scripts need no guard and a prompt will do.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING, Any, ParamSpec, TypeAlias, TypeVar

from reglet.infrastructure.host.errors import WorkerLostError

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

_Job: TypeAlias = tuple[Future[Any], bytes]

_WORKER = """\
import sys
sys.path[:] = sys.argv[1:]
from reglet.infrastructure.host.worker_processes import serve
serve()
"""

_SIZE_BYTES = 8


class WorkerProcesses(Executor):
    """So many processes, each started for its first job; each does one job at a time.

    `shutdown` ends them at once, in the midst of a job if need be. Each ends by itself when this process is
    gone, however it ended.
    """

    def __init__(
        self, count: int, initializer: Callable[..., object] | None = None, initargs: tuple[Any, ...] = ()
    ) -> None:
        """Use at most `count` processes, in each of which `initializer` is called first."""
        self._count = count
        self._first = None if initializer is None else pickle.dumps((initializer, initargs, {}))
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a process call `function`, which it finds by its name; what is pickled goes to it and back.

        The future raises `WorkerLostError` if the process ends before it has answered.

        Raises:
            RuntimeError: it was shut down.
        """
        job = pickle.dumps((function, args, kwargs), pickle.HIGHEST_PROTOCOL)
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("these processes were ended: make another executor")
            self._jobs.put((future, job))
            if len(self._threads) < self._count:
                self._threads.append(threading.Thread(target=self._serve, name="reglet-worker", daemon=True))
                self._threads[-1].start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:  # noqa: ARG002 - the executor's interface
        """End all processes. Jobs that have not ended fail with `WorkerLostError` or are cancelled."""
        with self._lock:
            self._closed = True
            for process in self._processes:
                process.kill()
        for _ in self._threads:
            self._jobs.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def _serve(self) -> None:
        """Hand the jobs of one process to it, and to another one if it dies."""
        process: subprocess.Popen[bytes] | None = None
        while (job := self._jobs.get()) is not None:
            future, request = job
            if self._closed:
                future.cancel()
            if not future.set_running_or_notify_cancel():
                continue
            answer: Any = None
            failure: BaseException | None = None
            try:
                process = process or self._started()
                answer, failure = _ask(process, request)
            except (EOFError, OSError) as error:
                ending = f"not started: {error}" if process is None else self._ended(process)
                process = None
                failure = WorkerLostError(f"its process was lost ({ending})")
                failure.__cause__ = error
            except Exception as error:  # noqa: BLE001 - an answer that cannot be read here
                failure = error
            if failure is None:
                future.set_result(answer)
            else:
                future.set_exception(failure)
            del job, future, request, answer, failure
        if process is not None:
            self._ended(process)

    def _started(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._closed:
                raise OSError("these processes were ended")
            process = subprocess.Popen(  # noqa: S603 - this interpreter, and this file
                (sys.executable, "-P", "-c", _WORKER, *sys.path),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is this process's, which ends the others
            )
            self._processes.add(process)
        if self._first is not None:
            try:
                _, failure = _ask(process, self._first)
            except (EOFError, OSError) as error:
                raise OSError(self._ended(process)) from error
            if failure is not None:
                raise failure
        return process

    def _ended(self, process: subprocess.Popen[bytes]) -> str:
        process.kill()
        with self._lock:
            self._processes.discard(process)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what was still to be written to it
                    pipe.close()
        status = process.wait()
        return f"signal {-status}" if status < 0 else f"exit status {status}"


def serve() -> None:
    """Do the jobs that arrive on standard input, until there is nobody who could send another."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what is printed meanwhile is no answer
        jobs: SimpleQueue[bytes] = SimpleQueue()
        threading.Thread(target=_read, args=(sys.stdin.buffer, jobs), daemon=True).start()
        while True:
            answer: Any = None
            failure: BaseException | None = None
            try:
                function, args, kwargs = pickle.loads(jobs.get())  # noqa: S301 - from the process that started this
                answer = function(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - whoever asked is told
                failure = error
            try:
                outcome = pickle.dumps((answer, failure), pickle.HIGHEST_PROTOCOL)
            except Exception as error:  # noqa: BLE001 - as above
                reason = f"what came of it cannot be sent: {failure or error}"
                outcome = pickle.dumps((None, WorkerLostError(reason)))
            _send(answers, outcome)


def _read(requests: IO[bytes], jobs: SimpleQueue[bytes]) -> None:
    """Take jobs as they come, so that the end of whoever sends them is seen while one is being done."""
    try:
        while True:
            jobs.put(_receive(requests))
    finally:
        os._exit(0)


def _ask(process: subprocess.Popen[bytes], job: bytes) -> tuple[Any, BaseException | None]:
    """Have a process do a job, and return what it answered or what it raised."""
    _send(process.stdin, job)
    answer, failure = pickle.loads(_receive(process.stdout))  # noqa: S301 - of our own process
    return answer, failure


def _send(pipe: IO[bytes] | None, payload: bytes) -> None:
    assert pipe is not None
    pipe.write(len(payload).to_bytes(_SIZE_BYTES, "little"))
    pipe.write(payload)
    pipe.flush()


def _receive(pipe: IO[bytes] | None) -> bytes:
    assert pipe is not None
    head = pipe.read(_SIZE_BYTES)
    size = int.from_bytes(head, "little")
    payload = pipe.read(size)
    if len(head) < _SIZE_BYTES or len(payload) < size:
        raise EOFError
    return payload
