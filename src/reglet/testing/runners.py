"""What runs a plugin's checks, in tests and for commands: this process, the sandbox, or a Go host."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, Self, TypeAlias

from reglet.domain.context import Context
from reglet.domain.entities.grants import (
    EnvironmentCapability,
    ExecCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
    NetworkCapability,
    NetworkRule,
)
from reglet.domain.entities.manifest import Manifest
from reglet.domain.entities.result import Result
from reglet.domain.errors import RegletError
from reglet.domain.policy import Policy
from reglet.domain.policy.globs import is_exact
from reglet.domain.ports import (
    LOG_FUNCTION,
    CommandRunner,
    DNSResolver,
    HostFunctions,
    HTTPClient,
    Plugin,
    SMTPClient,
    TCPDialer,
    try_get_client,
)
from reglet.infrastructure.host import HostDispatcher, HostPorts
from reglet.infrastructure.wire.exports import RESULT
from reglet.sandbox import Dialect, Sandbox
from reglet.testing.assertions import error_text, verify_output
from reglet.testing.module_state import changes, state_of
from reglet.testing.usage import are_grants_open, note_file, side_effects_watched

if TYPE_CHECKING:
    from reglet.infrastructure.wasi.granted import FileObserver
    from reglet.sandbox import Module


def encode_config(config: Mapping[str, Any] | bytes | None) -> bytes:
    """Return a config as the JSON that a host sends: sorted keys, no spaces.

    Bytes stay as they are; None is no config, and so no bytes.

    Raises `TypeError` or `ValueError` for what is no JSON.
    """
    if config is None:
        return b""
    if isinstance(config, bytes):
        return config
    if not isinstance(config, Mapping):
        raise TypeError(f'the config is {config!r}; write a dict such as {{"url": "…"}}, or bytes')
    return json.dumps(dict(config), sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


Clock: TypeAlias = Callable[[], datetime]
"""Returns the time that a check sees, an aware timestamp."""

EVERYTHING = GrantSet(
    network=NetworkCapability([NetworkRule(["*", "0.0.0.0/0", "::/0"], ["*"])]),
    exec=ExecCapability(["**"]),
)
"""What is granted where a test gives the clients itself: it decides, not a capability."""

_GO_SOURCE = Path(__file__).with_name("go_host")
_GO_BUILD_SECONDS, _GO_END_SECONDS = 300, 10

_EVERYTHING_LOCAL = GrantSet(
    fs=FileSystemCapability([FileSystemRule(["/**"], ["/**"])]), env=EnvironmentCapability(["*"])
)


class Runner(Protocol):
    """Runs a plugin: config bytes in, a Result out, host calls to whoever answers them."""

    def check(self, functions: HostFunctions, config: bytes, *, clock: Clock | None = None) -> Result:
        """Run one check, whose host calls `functions` answer; `clock` is what its `ctx.now()` returns."""
        ...


class InProcessRunner:
    """The plugin in this process, reached through the bytes of the ABI, both ends."""

    def __init__(self, plugin: Plugin) -> None:
        """Run `plugin`."""
        self.plugin = plugin

    def check(self, functions: HostFunctions, config: bytes, *, clock: Clock | None = None) -> Result:
        """Run one check, whose host calls `functions` answer."""
        from reglet.infrastructure.guest.exports import Exports

        with side_effects_watched():
            return RESULT.decode(Exports(self.plugin, functions, clock=clock).observe(config))


class NativeRunner(InProcessRunner):
    """The plugin in this process, its host calls answered by the real host in place of a test's fakes."""

    def __init__(self, plugin: Plugin, native_host: Callable[[], HostFunctions]) -> None:
        """Run `plugin`; `native_host` returns what answers the host calls of one check."""
        super().__init__(plugin)
        self._native_host = native_host

    def check(self, functions: HostFunctions, config: bytes, *, clock: Clock | None = None) -> Result:
        """Run one check; `functions` are not asked."""
        del functions
        return super().check(self._native_host(), config, clock=clock)


class SandboxRunner:
    """A built plugin with what is granted: files through preopens, variables, nothing else.

    A context manager. Checks run one by one; the module is loaded again only when the environment or the
    working directory is not the same, as a sandbox takes both when it starts.
    """

    def __init__(
        self,
        module: Path | Module,
        grants: GrantSet,
        *,
        dialect: Dialect = Dialect.ABI,
        file_observer: FileObserver | None = None,
    ) -> None:
        """Run `module`, a file or what a sandbox has loaded, on a host of a dialect.

        `file_observer` is given the paths that the plugin asks for, in place of the test that runs.
        """
        self._content = module
        self._grants = grants
        self._dialect = dialect
        self._file_observer = file_observer or self._note_granted
        self._functions = _CurrentFunctions()
        self._clock: Clock | None = None
        self._loaded: tuple[object, Sandbox, Module] | None = None

    def check(
        self, functions: HostFunctions, config: bytes, *, clock: Clock | None = None, fresh: bool = True
    ) -> Result:
        """Run one check, whose host calls `functions` answer, in a guest of its own or in a kept one."""
        # a guest with this machine's clock is answered without the host
        key = environment, _, opened, _ = dict(os.environ), Path.cwd(), are_grants_open(), clock is None
        if self._loaded is None or self._loaded[0] != key:
            self.close()
            sandbox = Sandbox(
                self._grants.merge(_EVERYTHING_LOCAL) if opened else self._grants,
                functions=self._functions,
                dialect=self._dialect,
                file_observer=note_file if opened else self._file_observer,
                environment=environment,
                clock=None if clock is None else self._now,
            )
            self._loaded = key, sandbox, sandbox.load(self._content)
        self._functions.current, self._clock = functions, clock
        try:
            return self._loaded[2].check(config, fresh=fresh)
        finally:
            self._functions.current = self._clock = None

    def close(self) -> None:
        """Let go of the module."""
        if self._loaded is not None:
            self._loaded[1].close()
            self._loaded = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _now(self) -> datetime:
        return datetime.now(UTC) if self._clock is None else self._clock()

    def _note_granted(self, path: str, changes: bool | None) -> None:
        """Note a path unless it is denied: a test means it to be."""
        policy = Policy(self._grants)
        if policy.write(path) if changes else policy.read(path):
            note_file(path, changes)


class GoHostError(RegletError):
    """The Go host cannot be built, or ended in the middle of a check; the message has the reason."""

    error_type = "execution"


class GoHostRunner:
    """A built plugin on the Go host, with what it declares granted. A context manager.

    Files of declared read patterns are there read-only, below the folders in which the patterns start.
    """

    def __init__(self, module: Path, grants: GrantSet, cache: Path, *, toolchain: str = "go") -> None:
        """Run `module`; the host and its compiled code are kept in `cache`.

        Raises:
            GoHostError: there is no Go toolchain, or it cannot build the host.
        """
        self._policy = Policy(grants)
        starts = set()
        for rule in grants.fs.rules if grants.fs else ():
            for pattern in rule.read:
                fixed = Path("/", *takewhile(is_exact, Path(pattern).parts))
                starts.add(fixed.parent if is_exact(pattern) else fixed)
        self._directories = sorted(str(folder) for folder in starts if folder.is_dir())

        digest = hashlib.sha256()
        for name in ("go.mod", "go.sum", "main.go"):
            digest.update((_GO_SOURCE / name).read_bytes())
        program = cache / f"go-host-{digest.hexdigest()[:16]}"
        if not program.is_file():
            go = shutil.which(toolchain)
            if go is None:
                raise GoHostError(
                    f"--reglet-place=go needs the Go toolchain, and there is no {toolchain} on the PATH"
                )
            # it only appears whole, and each run makes its own: others may look for it, or build it, too
            with tempfile.TemporaryDirectory(prefix="go-host-", dir=cache) as folder:
                beside = Path(folder, "host")
                built = subprocess.run(  # noqa: S603 - the toolchain that was found
                    [go, "build", "-o", str(beside), "."],
                    cwd=_GO_SOURCE,
                    capture_output=True,
                    text=True,
                    timeout=_GO_BUILD_SECONDS,
                    check=False,
                )
                if built.returncode != 0:
                    output = (built.stdout + built.stderr).strip()
                    raise GoHostError(f"the Go host cannot be built: {output[-2000:]}")
                beside.replace(program)
        command = [str(program), str(module), str(cache / "wazero")]
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the host
        self._host = subprocess.Popen(  # noqa: S603 - the host that was built above
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
        )

    def check(self, functions: HostFunctions, config: bytes, *, clock: Clock | None = None) -> Result:
        """Run one check in a fresh instance, at the time of `clock`, which stands while it runs.

        Raises `GoHostError` where the guest trapped.
        """
        environment = {name: value for name, value in os.environ.items() if self._policy.environment(name)}
        now = None if clock is None else int(clock().timestamp())
        given = base64.b64encode(config).decode("ascii")
        self._say(config=given, directories=self._directories, environment=environment, now=now)
        while True:
            line = self._streams()[1].readline()
            if not line:
                raise self._gone()
            heard: dict[str, Any] = json.loads(line)
            if "call" in heard:
                answer = functions.call(heard["call"], base64.b64decode(heard.get("request", "")))
                self._say(answer=base64.b64encode(answer).decode("ascii"))
            elif "error" in heard:
                raise GoHostError(f"the check ended on the Go host: {heard['error']}")
            else:
                return RESULT.decode(base64.b64decode(heard["result"]))

    def close(self) -> None:
        """End the host."""
        stdin, stdout = self._streams()
        with suppress(BrokenPipeError):
            stdin.close()
        try:
            self._host.wait(_GO_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._host.kill()
            self._host.wait()
        stdout.close()
        self._errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _streams(self) -> tuple[IO[bytes], IO[bytes]]:
        assert self._host.stdin is not None
        assert self._host.stdout is not None
        return self._host.stdin, self._host.stdout

    def _say(self, **message: Any) -> None:
        stdin, _ = self._streams()
        try:
            stdin.write(json.dumps(message).encode() + b"\n")
            stdin.flush()
        except BrokenPipeError as error:
            raise self._gone() from error

    def _gone(self) -> GoHostError:
        status = self._host.wait(_GO_END_SECONDS)
        self._errors.seek(0)
        output = self._errors.read().decode("utf-8", "replace").strip()
        return GoHostError(f"the Go host ended with status {status}: {output[-2000:]}")


class DifferenceError(RegletError, AssertionError):
    """A check goes otherwise than it went before; the message has the differences."""


class ReusedInstanceError(DifferenceError):
    """A check in an instance that ran one before answers otherwise; the message has the differences."""


_DURATION = re.compile(r"\b\d[\d.]*(ns|µs|ms|s)\b")
"""A figure of time in a message."""


class ReusingRunner:
    """Runs each check again where one has run before, with the same answers, and compares.

    Some hosts keep an instance for further checks: what a check leaves in its module is there in the next.
    Figures of time (`…_ms`, `…_ns`, `…_seconds`) are not compared. In this process what the plugin's modules
    hold is compared too, which the answer to another config may depend on.
    """

    def __init__(self, runner: Runner) -> None:
        """Run checks by `runner`."""
        self._runner = runner

    def check(self, functions: HostFunctions, config: bytes, *, clock: Clock | None = None) -> Result:
        """Run a check and return its Result. Raises `ReusedInstanceError` where a further one differs."""
        __tracebackhide__ = True
        answered = _AnsweredCalls(functions)
        plugin = self._runner.plugin if isinstance(self._runner, InProcessRunner) else None
        before = state_of(plugin)
        first = self._runner.check(answered, config, clock=clock)
        left = changes(before, state_of(plugin))
        kept = {"fresh": False} if isinstance(self._runner, SandboxRunner) else {}
        for _ in range(2):
            repeated = _RepeatedCalls(answered.calls)
            again = self._runner.check(repeated, config, clock=clock, **kept)
            one, other = (
                {
                    "status": str(result.status),
                    "message": _DURATION.sub("…", result.message),
                    "error": _DURATION.sub("…", error_text(result)) if result.error else "",
                    "data": dict(result.data or {}),
                }
                for result in (first, again)
            )
            differences = [
                *repeated.differences(),
                *(
                    line
                    for line in verify_output(one, other) or verify_output(other, one)
                    if not line.partition(":")[0].endswith(("_ms", "_ns", "_seconds"))
                ),
            ]
            if differences:
                lines = "\n".join(f"  {line}" for line in differences)
                raise ReusedInstanceError(
                    f"a second check in the same instance answers otherwise; keep state in the handler, "
                    f"not in the module:\n{lines}"
                )
        if left:
            raise ReusedInstanceError(
                "a check changes what its module holds, which the next one in the same instance meets; keep "
                "state in the handler:\n" + "\n".join(f"  {line}" for line in left)
            )
        return first


class _AnsweredCalls:
    """Host functions that pass on to others and keep what was answered."""

    def __init__(self, functions: HostFunctions) -> None:
        self._functions = functions
        self.calls: list[tuple[str, bytes]] = []

    def call(self, name: str, request: bytes) -> bytes:
        answer = self._functions.call(name, request)
        if name != LOG_FUNCTION:
            self.calls.append((name, answer))
        return answer


class _RepeatedCalls:
    """Host functions that answer as before."""

    def __init__(self, calls: list[tuple[str, bytes]]) -> None:
        self._calls = calls
        self._made: list[str] = []

    def call(self, name: str, request: bytes) -> bytes:
        del request
        if name == LOG_FUNCTION:
            return b""
        self._made.append(name)
        index = len(self._made) - 1
        if index < len(self._calls) and self._calls[index][0] == name:
            return self._calls[index][1]
        return b'{"error": {"type": "internal", "message": "another call"}}'

    def differences(self) -> list[str]:
        """Return what differs in the host calls."""
        before = [name for name, _ in self._calls]
        return [] if before == self._made else [f"host calls: expected {before}, got {self._made}"]


class _CurrentFunctions:
    """Host functions that pass on to those of the check that runs."""

    def __init__(self) -> None:
        self.current: HostFunctions | None = None

    def call(self, name: str, request: bytes) -> bytes:
        if self.current is None:
            raise RuntimeError(f"{name} was called outside of a check")
        return self.current.call(name, request)


class HostedPlugin:
    """A plugin whose checks run in a runner; it is a `Plugin` itself.

    Attributes:
        definition: the plugin as its author wrote it.
        runner: what runs its checks.
    """

    def __init__(self, definition: Plugin, runner: Runner) -> None:
        """Run the checks of `definition` in `runner`."""
        self.definition = definition
        self.runner = runner

    def manifest(self, ctx: Context) -> Manifest:
        """Return the manifest as the author's code makes it."""
        return self.definition.manifest(ctx)

    def check(self, ctx: Context, config: bytes) -> Result:
        """Run a check, whose host calls the clients of `ctx` answer."""
        return self.runner.check(context_functions(ctx), config, clock=ctx.now)


_registered: dict[int, Runner] = {}


def register(plugin: HostedPlugin) -> None:
    """Let every check of this plugin's definition run in its runner, also where a test imports it itself."""
    _registered[id(plugin.definition)] = plugin.runner


def unregister(plugin: HostedPlugin) -> None:
    """Let the checks of this plugin's definition run in this process again."""
    _registered.pop(id(plugin.definition), None)


def runner_of(plugin: Plugin) -> Runner:
    """Return what runs a plugin's checks: this process, where no other runner was registered."""
    if isinstance(plugin, HostedPlugin):
        return plugin.runner
    return _registered.get(id(plugin)) or InProcessRunner(definition_of(plugin))


def definition_of(plugin: Plugin) -> Plugin:
    """Return the plugin as its author wrote it. Raises `TypeError` for what is no plugin."""
    from reglet.application.plugin import is_plugin

    if not is_plugin(plugin):
        raise TypeError(f"{plugin!r} is no plugin; give what define_plugin(…) returned")
    return plugin.definition if isinstance(plugin, HostedPlugin) else plugin


def check_in_context(plugin: Plugin, ctx: Context, config: bytes) -> Result:
    """Run a check with the clients of `ctx`, directly where the plugin runs in this process anyway."""
    runner = _registered.get(id(plugin))
    if runner is None:
        return plugin.check(ctx, config)
    return runner.check(context_functions(ctx), config, clock=ctx.now)


def context_functions(ctx: Context) -> HostFunctions:
    """Return host functions that the clients of `ctx` answer; those it lacks are not offered."""
    from reglet.testing.fakes import FakeDNSResolver, LookupTypes

    def client(port: Any) -> Any:
        return try_get_client(ctx, port)

    dns = client(DNSResolver)
    ports = HostPorts(client(HTTPClient), dns, client(TCPDialer), client(SMTPClient), client(CommandRunner))
    dispatcher = HostDispatcher(ports, Policy(EVERYTHING))
    return LookupTypes(dispatcher, dns) if isinstance(dns, FakeDNSResolver) else dispatcher
