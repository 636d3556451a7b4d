"""The sandbox, put together: the host, the native ports, and the runtime that plugins of this SDK share."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakSet

from attrs import frozen

from reglet.domain.context import Context
from reglet.domain.entities.grants import GrantSet
from reglet.domain.ports import HostFunctions, LogSink
from reglet.infrastructure.atomic import read_bounded
from reglet.infrastructure.extras import MissingPackageError
from reglet.infrastructure.host import Limits, SandboxClosedError
from reglet.infrastructure.process import Meanwhile, renewed_after_fork
from reglet.infrastructure.runtime import RuntimeProduct, RuntimeProductError, load_product
from reglet.infrastructure.wire.record import Dialect

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from reglet.domain.entities.records import LogMessage
    from reglet.domain.policy import Policy
    from reglet.infrastructure.host.compiled_plugin import SharedRuntime
    from reglet.infrastructure.host.dispatcher import HostDispatcher, Observer
    from reglet.infrastructure.host.instance import WasiConfig
    from reglet.infrastructure.host.many_checks import CheckOutcome, Config, ManyChecks, Note, Progress
    from reglet.infrastructure.host.module import Module
    from reglet.infrastructure.wasi.granted import FileObserver

Sink = Callable[[bytes], object]
"""Takes what a guest writes to a stream."""


class Sandbox:
    """A host for modules: it enforces grants and limits, and answers the host functions.

    A context manager; `close` lets go of the guests that its modules keep. It may be used from any number
    of threads.
    """

    def __init__(
        self,
        grants: GrantSet | None = None,
        limits: Limits | None = None,
        functions: HostFunctions | None = None,
        *,
        dialect: Dialect | str = Dialect.ABI,
        log: LogSink | None = None,
        observer: Observer | None = None,
        file_observer: FileObserver | None = None,
        stdout: Sink | None = None,
        stderr: Sink | None = None,
        environment: Mapping[str, str] | None = None,
        directory: str | os.PathLike[str] | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """Make a sandbox.

        Args:
            grants: what plugins may do; nothing by default.
            limits: what plugins may take.
            functions: answers the host functions in place of the real network and processes; `dialect`,
                `log` and `observer` are then its own business.
            dialect: the host that this one is to be like: how requests, answers and failures are spelled (ABI
                section 5), and which exports are called. `abi`; `hostlib`, the Go host SDK; `app`, the newer
                Reglet app; `older`, the older one, whose exports are `describe`, `schema` and `observe`.
            log: takes what plugins log.
            observer: is given each host call, from the thread that made it.
            file_observer: is given each path that a guest asks for, granted or not, and whether it wants to
                change what is there: None if it only looks whether there is anything. A sandbox that grants
                no file has no file system to ask.
            stdout: takes what guests write to standard output, up to `limits.output_bytes`.
            stderr: the same for standard error.
            environment: where granted variables come from; this process's environment by default.
            directory: where relative patterns of granted paths start; the working directory by default.
            clock: returns the time of day that guests see, an aware timestamp; this machine's by default.

        Raises:
            MissingPackageError: a package of `reglet[host]` is missing; the message has the pip line.
        """
        self.grants = grants or GrantSet()
        self.limits = limits or Limits()
        self._directory = os.path.abspath(directory or os.curdir)  # noqa: PTH100 - its links stay
        self._given = functions
        self._dialect = Dialect(dialect)
        self._log = log
        self._observer = observer
        self._file_observer = file_observer
        self._streams = (stdout, stderr)
        self._environment = os.environ if environment is None else environment
        self._clock = clock
        self._slots = renewed_after_fork(partial(threading.BoundedSemaphore, self.limits.instances))
        self._modules: WeakSet[Module] = WeakSet()
        self._many: WeakSet[ManyChecks] = WeakSet()
        self._closed = False

    def load(self, plugin: str | os.PathLike[str] | bytes | Module, name: str = "the module") -> Module:
        """Return the module in a file (or given as bytes), compiled; later loads find it compiled on disk.

        What another sandbox has loaded, as to ask it for its manifest, is not read again.

        A plugin of the older app, which exports `describe`, `schema` and `observe` alone, is run through
        those: its description is a Manifest without operations, its evidence a Result.
        `name` is what messages call one that is given as bytes. A module of other code than what this SDK
        builds is compiled in a process of its own, under `limits.compile_time` and `limits.compile_memory`.

        Raises:
            NotAPluginError: it is not WebAssembly, a component, or no plugin; the message names which.
            LimitExceededError: it takes too much to compile it.
            MissingPackageError: wasmtime is not installed.
            OSError: the file cannot be read.
            ValueError: it is of a sandbox with a limit on fuel, and this one has none, or the reverse.
        """
        if self._closed:
            raise SandboxClosedError
        if isinstance(plugin, str | bytes | os.PathLike):
            binary, source = _content(plugin, name)
            # to hash files takes as long as to import wasmtime, and needs no interpreter
            hashed = Meanwhile(lambda: (hashlib.sha256(binary).hexdigest(), _runtime_product()))
            require_wasmtime()
            from reglet.infrastructure.host.compiled_plugin import import_for_first_loads, load_plugin

            if self.grants.network or self.grants.exec:
                from reglet.infrastructure.host.dispatcher import handlers

                handlers()
                import_for_first_loads()
            # nor to find compiled code: what runs it is imported meanwhile, and the clients of what is
            # granted, for which no check is to wait. This thread imports nothing of theirs
            ready = Meanwhile(self._import_rest)
            try:
                code = load_plugin(binary, source, self.limits, _shared_runtime(), hashed.result()[0])
            finally:
                kind = ready.result()
        else:
            kind = self._import_rest()
            from reglet.infrastructure.engine import engine

            code = plugin._plugin  # noqa: SLF001 - a module is made here, and shown to users
            if code.module.engine is not engine(fuel=self.limits.fuel is not None):
                raise ValueError("only one of the two sandboxes counts fuel: load the file itself")
        if self.grants.fs or self.grants.env or self._clock or not code.shares_code:
            from reglet.infrastructure.wasi import preview1  # which answers then, and in no check's figures

            del preview1
        from reglet.infrastructure.host.compiled_plugin import calls_older_exports

        older = calls_older_exports(code.module.signatures, code.source, asked=self._dialect is Dialect.OLDER)
        module = kind(code, self._functions_for, self._wasi, self.limits, self._slots, older=older)
        self._modules.add(module)
        return module

    def check_many(
        self,
        plugin: str | os.PathLike[str] | bytes,
        configs: Iterable[Config],
        *,
        executor: Executor | None = None,
        progress: Callable[[Progress], object] | None = None,
        ordered: bool = True,
        retries: int = 1,
        window: int = 1_000,
        processes: int | None = None,
        fresh: bool = True,
        release: bool = True,
        name: str = "the module",
    ) -> Generator[CheckOutcome, None, None]:
        """Run a check for each config, on every core or on a cluster; return what yields the outcomes.

        Grants, limits, dialect, directory and the granted variables travel with the work; each worker loads
        the plugin once. What is given as `log`, `observer`, `file_observer`, `stdout` and `stderr` stays
        here, and is called for a check when its outcome arrives. `functions` and `clock` are copied.

        Nothing is lost and nothing comes twice: a check whose worker died is run again, and has an outcome
        all the same if that fails too. What is wrong with one config is the error of its outcome. To close
        the iterator or the sandbox, and Ctrl-C, end the processes at once.

        Args:
            plugin: as for `load`, which looks at it here first.
            configs: as for `Module.check`; any number, taken as they are needed.
            executor: runs the checks: threads, processes, or a cluster, as `Client.get_executor()` of Dask.
                Processes of this sandbox's own by default, and in place of an executor that broke.
            progress: is called from this thread after each check, in the order in which they end.
            ordered: in the order of the configs; otherwise as they end, so that none waits for a slow one.
            retries: how often a check whose worker died is run again.
            window: how many configs are taken at most before the outcome of the first is yielded.
            processes: how many there are without an executor: one a core by default.
            fresh: in a guest made for each check; otherwise each worker keeps one.
            release: as for `Module.check`.
            name: as for `load`.

        Raises:
            ValueError: a number is too small; both `executor` and `processes` are given.
            TypeError: `functions` or `clock` cannot go to another process.
        """
        from reglet.infrastructure.host.many_checks import ManyChecks, Work

        binary, source = _content(plugin, name)
        digest = self.load(binary, source).digest
        many = ManyChecks(
            Work(digest, self._loader(source, executor), fresh, release),
            binary,
            self._told,
            executor,
            processes=processes,
            retries=retries,
            window=window,
            progress=progress,
        )
        self._many.add(many)
        return many.outcomes(configs, ordered=ordered)

    def close(self) -> None:
        """Close every module, and end the processes of `check_many`. Closing twice does nothing."""
        self._closed = True
        for many in list(self._many):
            many.close()
        for module in list(self._modules):
            module.close()
        self._modules.clear()

    def _loader(self, source: str, executor: Executor | None) -> _Loader:
        """Return what makes a sandbox like this one, with a module in it, wherever checks are made."""
        import pickle
        from concurrent.futures import ThreadPoolExecutor

        for name, value in (("functions", self._given), ("clock", self._clock)):
            reason: object = ""
            try:
                pickled = b"" if isinstance(executor, ThreadPoolExecutor) else pickle.dumps(value)
            except Exception as error:  # noqa: BLE001 - anything may refuse to be pickled, in any way
                reason = error
            else:
                if executor is None and b"__main__" in pickled:
                    reason = "it is defined in the program itself: move it to a module of its own"
            if reason:
                raise TypeError(
                    f"{name}= cannot go to another process ({reason}): "
                    "give check_many an executor of threads, or use a sandbox without it"
                )
        return _Loader(
            source,
            self.grants,
            self.limits,
            self._given,
            self._dialect,
            dict(self._wasi.environment),
            self._directory,
            self._clock,
            frozenset(self._receivers),
        )

    @cached_property
    def _receivers(self) -> dict[str, Callable[..., object]]:
        """What takes what happens during a check, by the name of its argument."""
        stdout, stderr = self._streams
        receivers: dict[str, Callable[..., object] | None] = {
            "log": None if self._log is None else self._log.write,
            "observer": self._observer,
            "file_observer": self._file_observer,
            "stdout": stdout,
            "stderr": stderr,
        }
        return {name: receiver for name, receiver in receivers.items() if receiver is not None}

    def _told(self, name: str, arguments: tuple[Any, ...]) -> None:
        self._receivers[name](*arguments)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _import_rest(self) -> type[Module]:
        """Import what runs a plugin, and answers the calls that are granted."""
        kind = module_class()
        with suppress(Exception):  # what is wrong with them is reported to the first check, which asks again
            _ = self._functions
        return kind

    def _functions_for(self, context: Context) -> HostFunctions:
        for_check: Callable[[Context], HostFunctions] | None = getattr(self._functions, "for_check", None)
        return self._functions if for_check is None else for_check(context)

    @cached_property
    def _functions(self) -> HostFunctions:
        if self._given is not None:
            return self._given
        return native_functions(
            self.grants,
            dialect=self._dialect,
            limits=self.limits,
            log=self._log,
            observer=self._observer,
            directory=self._directory,
        )

    @cached_property
    def _policy(self) -> Policy:
        from reglet.domain.policy import Policy

        return Policy(self.grants, cwd=self._directory)

    @cached_property
    def _wasi(self) -> WasiConfig:
        from reglet.infrastructure.host.instance import Preopens, WasiConfig, discard

        preopens: Preopens = tuple
        environment: dict[str, str] = {}
        if self.grants.fs is not None:  # many a plugin is granted no file
            from reglet.infrastructure.wasi.granted import granted_preopens

            preopens = granted_preopens(self._policy, self._directory, self._file_observer)
        if self.grants.env is not None:
            may_read = self._policy.environment
            environment = {name: value for name, value in self._environment.items() if may_read(name)}
        stdout, stderr = self._streams
        return WasiConfig(
            preopens=preopens,
            environment=environment,
            stdout=stdout or discard,
            stderr=stderr or discard,
            clock=self._clock,
        )


def _content(plugin: str | os.PathLike[str] | bytes, name: str) -> tuple[bytes, str]:
    """Return a plugin's bytes, and what messages call it."""
    if isinstance(plugin, bytes):
        return plugin, name
    with Path(plugin).open("rb") as file:
        return read_bounded(file), str(Path(plugin))


@frozen(eq=False, repr=False)
class _Loader:
    """Makes a sandbox as another one is, in another process or thread, and loads a plugin in it.

    `noted` has the names of the arguments whose calls are noted for that other one.
    """

    source: str
    grants: GrantSet
    limits: Limits
    functions: HostFunctions | None
    dialect: Dialect
    environment: Mapping[str, str]
    directory: str
    clock: Callable[[], datetime] | None
    noted: frozenset[str]

    def __call__(self, plugin: bytes, note: Note) -> Module:
        sinks: dict[str, Any] = {name: _Noting(name, note) for name in self.noted}
        sandbox = Sandbox(
            self.grants,
            self.limits,
            self.functions,
            dialect=self.dialect,
            environment=self.environment,
            directory=self.directory,
            clock=self.clock,
            **sinks,
        )
        return sandbox.load(plugin, self.source)


@frozen(eq=False, repr=False)
class _Noting:
    """Stands for a sink or an observer that is elsewhere."""

    name: str
    note: Note

    def __call__(self, *arguments: Any) -> None:
        self.note(self.name, arguments)

    def write(self, message: LogMessage) -> None:
        """Take a log message."""
        self.note(self.name, (message,))


class NativeFunctions:
    """Implements `HostFunctions` with a dispatcher that is made, and imported, for the first call."""

    def __init__(self, make: Callable[[], HostDispatcher]) -> None:
        """Answer with what `make` returns."""
        self._make = make

    @cached_property
    def dispatcher(self) -> HostDispatcher:
        """What answers."""
        return self._make()

    def for_check(self, context: Context) -> NativeFunctions:
        """Return host functions for one more check, which start counting anew, in `context`."""
        return NativeFunctions(lambda: self.dispatcher.for_check(context))

    def call(self, name: str, request: bytes) -> bytes:
        """Answer one host call."""
        return self.dispatcher.call(name, request)


def native_functions(
    grants: GrantSet,
    *,
    dialect: Dialect | str = Dialect.ABI,
    limits: Limits | None = None,
    log: LogSink | None = None,
    observer: Observer | None = None,
    directory: str | os.PathLike[str] | None = None,
    ca_file: str | None = None,
    nameservers: tuple[str, ...] = (),
) -> NativeFunctions:
    """Return host functions over the real network and real processes, held to `grants`: a sandbox's own.

    They serve a plugin in this process too. What answers the kinds that are granted is imported at once, so
    that no check has it in its figures. `ca_file` is a PEM file of the only authorities to trust,
    `nameservers` are asked in place of the system's; the rest is as for `Sandbox`.
    """
    granted = {
        "network": grants.network and grants.network.rules,
        "exec": grants.exec and grants.exec.commands,
    }
    kinds = {kind for kind, rules in granted.items() if rules}
    ports = (log, ca_file, nameservers)
    cwd = os.path.abspath(directory or os.curdir)  # noqa: PTH100 - its links stay
    make = partial(native_dispatcher, grants, cwd, kinds, ports, Dialect(dialect), limits, observer)
    functions = NativeFunctions(make)
    if kinds:
        _ = functions.dispatcher
    return functions


def native_dispatcher(
    grants: GrantSet,
    cwd: str,
    kinds: Collection[str],
    ports: tuple[LogSink | None, str | None, tuple[str, ...]],
    dialect: Dialect,
    limits: Limits | None,
    observer: Observer | None,
) -> HostDispatcher:
    """Import and put together what answers; `kinds` are the capabilities whose clients are imported now."""
    from reglet.domain.policy import Policy, PolicyGuard
    from reglet.infrastructure.host.dispatcher import HostDispatcher, handlers
    from reglet.infrastructure.native import NativePorts

    policy = Policy(grants, cwd)
    native = NativePorts(PolicyGuard(policy), *ports)
    if kinds:
        handlers()
    native.prepare(kinds)
    return HostDispatcher(native, policy, dialect=dialect, limits=limits, observer=observer)


def require_wasmtime() -> None:
    """Import wasmtime. Raises `MissingPackageError`."""
    try:
        import wasmtime
    except ImportError as error:
        raise MissingPackageError("wasmtime") from error
    del wasmtime


def module_class() -> type[Module]:
    """Import `Module`, and with it wasmtime. Raises `MissingPackageError`."""
    require_wasmtime()
    from reglet.infrastructure.host.module import Module

    return Module


def _runtime_product() -> RuntimeProduct | None:
    """Return the runtime of plugins of this SDK; None where there is none."""
    with suppress(RuntimeProductError):
        return load_product()
    return None


@cache
def _shared_runtime() -> SharedRuntime | None:
    """Return the runtime whose code plugins of this SDK share; None where there is none."""
    from reglet.infrastructure.host.compiled_plugin import SharedRuntime

    product = _runtime_product()
    if product is None:
        return None
    module = product.module
    return SharedRuntime(
        module.wasm,
        module.host_functions,
        product.key,
        module.startup,
        tuple(module.optional.values()),
        module.room,
        module.signatures,
    )
