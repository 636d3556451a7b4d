"""What runs a plugin's checks, in tests and for commands: this process or the sandbox."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias

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
from reglet.domain.ports import (
    CommandRunner,
    DNSResolver,
    HostFunctions,
    HTTPClient,
    Plugin,
    SMTPClient,
    TCPDialer,
    try_get_client,
)
from reglet.infrastructure.wire.exports import RESULT
from reglet.sandbox import Dialect, Sandbox
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
                clock=None if clock is None else lambda: self._clock() if self._clock else datetime.now(UTC),
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

    def _note_granted(self, path: str, changes: bool | None) -> None:
        """Note a path unless it is denied: a test means it to be."""
        from reglet.domain.policy import Policy

        policy = Policy(self._grants)
        if policy.write(path) if changes else policy.read(path):
            note_file(path, changes)


class DifferenceError(RegletError, AssertionError):
    """A check goes otherwise than it went before; the message has the differences."""


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
    from reglet.domain.policy import Policy
    from reglet.infrastructure.host.dispatcher import HostDispatcher, HostPorts
    from reglet.testing.fakes import FakeDNSResolver, LookupTypes

    def client(port: Any) -> Any:
        return try_get_client(ctx, port)

    dns = client(DNSResolver)
    ports = HostPorts(client(HTTPClient), dns, client(TCPDialer), client(SMTPClient), client(CommandRunner))
    dispatcher = HostDispatcher(ports, Policy(EVERYTHING))
    return LookupTypes(dispatcher, dns) if isinstance(dns, FakeDNSResolver) else dispatcher
