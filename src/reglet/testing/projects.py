"""The plugins of a test run: each is loaded once, and built where its runner wants a module."""

from __future__ import annotations

import hashlib
import json
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any, assert_never

import reglet
from reglet.application.names import PROJECT_FILE
from reglet.domain.context import Context
from reglet.domain.ports import Plugin
from reglet.infrastructure.atomic import write_atomic
from reglet.infrastructure.build.build import build_plugin
from reglet.infrastructure.build.project import load_plugin_in_process
from reglet.sandbox import native_functions
from reglet.testing.runners import (
    HostedPlugin,
    InProcessRunner,
    NativeRunner,
    ReusingRunner,
    Runner,
    RunnerName,
    SandboxRunner,
    register,
    unregister,
)


class Projects:
    """Loads plugins by their project's folder."""

    def __init__(self, runner: RunnerName, cache: Path | None, *, reuse: bool = False) -> None:
        """Run plugins in `runner`, each check again if `reuse`; built modules are kept in `cache`."""
        self._runner: RunnerName = runner
        self._reuse = reuse
        self._cache = cache
        self._plugins: dict[Path, Plugin] = {}
        self._open = ExitStack()

    def plugin(self, folder: Path) -> Plugin:
        """Return the plugin of a project. Raises what `load_plugin_in_process` and the build raise."""
        if folder not in self._plugins:
            plugin = load_plugin_in_process(folder)
            runner = self._runner_for(folder, plugin)
            if self._reuse:
                runner = ReusingRunner(runner or InProcessRunner(plugin))
            if runner is not None:
                plugin = HostedPlugin(plugin, runner)
                register(plugin)
                self._open.callback(unregister, plugin)
            self._plugins[folder] = plugin
        return self._plugins[folder]

    def close(self) -> None:
        """Let go of loaded modules."""
        self._plugins.clear()
        self._open.close()

    def _runner_for(self, folder: Path, plugin: Plugin) -> Runner | None:
        """Return the runner that was asked for; None where the plugin simply runs here, against fakes."""
        if self._runner == "fakes":
            return None
        grants = plugin.manifest(Context()).capabilities
        match self._runner:
            case "native":
                functions = native_functions(grants)
                return NativeRunner(plugin, lambda: functions.for_check(Context()))
            case "sandbox":
                return self._open.enter_context(SandboxRunner(built_module(folder, self._cache), grants))
            case "go":
                from reglet.testing.go_host_runner import GoHostRunner

                module = built_module(folder, self._cache)
                return self._open.enter_context(GoHostRunner(module, grants, self._cache))
            case _:
                assert_never(self._runner)


def built_module(folder: Path, cache: Path | None) -> Path:
    """Return the built module of a project.

    It is kept in `cache` with the digests of the files that it was made of, and built again when one of
    them, the project file or the SDK is not the same. Raises what the build raises.
    """
    home = cache or Path(tempfile.mkdtemp(prefix="reglet-built-"))
    name = f"{folder.name}-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"
    module, stamp = home / f"{name}.wasm", home / f"{name}.json"
    if module.is_file() and _is_fresh(stamp):
        return module
    report = build_plugin(folder, module)
    made_of = [*report.sources, folder / PROJECT_FILE]
    write_atomic(stamp, json.dumps({"sdk": _sdk_digest(), "sources": _digests(made_of)}).encode())
    return module


def _is_fresh(stamp: Path) -> bool:
    try:
        written: dict[str, Any] = json.loads(stamp.read_text("utf-8"))
        return bool(
            written["sdk"] == _sdk_digest()
            and written["sources"] == _digests([Path(path) for path in written["sources"]])
        )
    except (OSError, ValueError, KeyError):
        return False


def _digests(paths: list[Path]) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def _sdk_digest() -> str:
    """Return a digest of the SDK's own source and runtime, which are in every module."""
    root = Path(reglet.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        status = path.stat()
        digest.update(f"{path.relative_to(root)} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
