"""The plugins of a test run, each loaded once and put in the place that was asked for."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import assert_never

from reglet.domain.context import Context
from reglet.domain.ports import Plugin
from reglet.infrastructure.build.project import load_plugin_in_process
from reglet.testing.places import InProcess, PlacedPlugin, PlaceName, put, take_away


class Projects:
    """Loads plugins by their project's folder."""

    def __init__(self, place: PlaceName, cache: Path | None) -> None:
        """Run plugins in `place`; built modules are kept in `cache`."""
        self._place: PlaceName = place
        self._cache = cache
        self._plugins: dict[Path, Plugin] = {}
        self._open = ExitStack()

    def plugin(self, folder: Path) -> Plugin:
        """Return the plugin of a project. Raises what `load_plugin_in_process` and the build raise."""
        if folder not in self._plugins:
            plugin = self._placed(folder, load_plugin_in_process(folder))
            if isinstance(plugin, PlacedPlugin):
                put(plugin)
                self._open.callback(take_away, plugin)
            self._plugins[folder] = plugin
        return self._plugins[folder]

    def close(self) -> None:
        """Let go of loaded modules."""
        self._plugins.clear()
        self._open.close()

    def _placed(self, folder: Path, plugin: Plugin) -> Plugin:
        match self._place:
            case "fakes":
                return plugin
            case "native":
                from reglet.testing.native_world import native_world

                return PlacedPlugin(plugin, InProcess(plugin), native_world(plugin.manifest(Context())))
            case "sandbox":
                from reglet.testing.building import built_module
                from reglet.testing.sandbox_place import InSandbox

                module = built_module(folder, self._cache)
                grants = plugin.manifest(Context()).capabilities
                return PlacedPlugin(plugin, self._open.enter_context(InSandbox(module, grants)))
            case "go":
                from reglet.testing.building import built_module
                from reglet.testing.go_place import OnGo

                module = built_module(folder, self._cache)
                grants = plugin.manifest(Context()).capabilities
                return PlacedPlugin(plugin, self._open.enter_context(OnGo(module, grants, self._cache)))
            case _:
                assert_never(self._place)
