"""Where a plugin runs in a test: in process, in the sandbox, or on the Go host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias

from reglet.domain.context import Context
from reglet.domain.entities.manifest import Manifest
from reglet.domain.entities.result import Result
from reglet.domain.ports import HostFunctions, Plugin
from reglet.infrastructure.guest.exports import Exports
from reglet.infrastructure.wire.result import RESULT
from reglet.testing.audit.surroundings import surroundings_watched
from reglet.testing.seam import functions_over

PlaceName: TypeAlias = Literal["fakes", "native", "sandbox", "go"]
"""The places, as `--reglet-place` names them."""


class Place(Protocol):
    """Somewhere a plugin runs: config bytes in, a Result out, host calls to whoever answers them."""

    def check(self, functions: HostFunctions, config: bytes) -> Result:
        """Run one check."""
        ...


class InProcess:
    """The plugin in this process, reached through the bytes of the ABI, both ends."""

    def __init__(self, plugin: Plugin) -> None:
        """Run `plugin`."""
        self._plugin = plugin

    def check(self, functions: HostFunctions, config: bytes) -> Result:
        """Run one check."""
        with surroundings_watched():
            return RESULT.decode(Exports(self._plugin, functions).observe(config))


class PlacedPlugin:
    """A plugin that runs its checks in a place; it is a `Plugin` itself.

    Attributes:
        definition: the plugin as its author wrote it.
        world: makes what answers a check's host calls in place of a test's fakes; None where those answer.
    """

    def __init__(
        self, definition: Plugin, place: Place, world: Callable[[], HostFunctions] | None = None
    ) -> None:
        """Run the checks of `definition` in `place`."""
        self.definition = definition
        self.world = world
        self._place = place

    def manifest(self, ctx: Context) -> Manifest:
        """Return the manifest as the author's code makes it."""
        return self.definition.manifest(ctx)

    def check(self, ctx: Context, config: bytes) -> Result:
        """Run a check; its host calls are answered by the clients of `ctx`."""
        return self.check_at(functions_over(ctx), config)

    def check_at(self, functions: HostFunctions, config: bytes) -> Result:
        """Run a check; `functions` answer its host calls, unless the place has a world of its own."""
        return self._place.check(self.world() if self.world else functions, config)


_placed: dict[int, PlacedPlugin] = {}


def put(plugin: PlacedPlugin) -> None:
    """Let every check of this plugin's definition run in its place, also where a test imports it itself."""
    _placed[id(plugin.definition)] = plugin


def take_away(plugin: PlacedPlugin) -> None:
    """Let the checks of this plugin's definition run in this process again."""
    _placed.pop(id(plugin.definition), None)


def in_place(plugin: Plugin) -> Plugin:
    """Return the plugin in the place that it was put in, itself if it was put in none."""
    return _placed.get(id(plugin), plugin)


def definition_of(plugin: Plugin) -> Plugin:
    """Return the plugin as its author wrote it."""
    return plugin.definition if isinstance(plugin, PlacedPlugin) else plugin


def check_at(plugin: Plugin, functions: HostFunctions, config: bytes) -> Result:
    """Run a check in the plugin's place, its host calls answered by `functions`."""
    placed = in_place(plugin)
    if isinstance(placed, PlacedPlugin):
        return placed.check_at(functions, config)
    return InProcess(placed).check(functions, config)


def meets_fakes(plugin: Plugin) -> bool:
    """Whether a test's fakes answer this plugin: not where it meets the real world."""
    placed = in_place(plugin)
    return not isinstance(placed, PlacedPlugin) or placed.world is None
