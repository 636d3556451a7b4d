"""Where a plugin runs in a test: in process, in the sandbox, or on the Go host."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reglet.domain.entities.result import Result
from reglet.domain.ports.plugin import Plugin

if TYPE_CHECKING:
    from reglet.testing.fakes.host import FakeHost


def definition_of(plugin: Plugin) -> Plugin:
    """Return the plugin as its author wrote it."""
    return plugin


def check_at(plugin: Plugin, host: FakeHost, config: bytes) -> Result:
    """Run a check in the plugin's place, its host calls answered by `host`."""
    return plugin.check(host.context(), config)
