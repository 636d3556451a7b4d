"""Checks through the whole stack, against a fake host or a recording."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reglet.domain.context import Context
from reglet.domain.entities.manifest import Manifest
from reglet.domain.entities.result import Result
from reglet.domain.ports import Plugin
from reglet.testing.configs import encoded
from reglet.testing.fakes.host import FakeHost
from reglet.testing.places import InProcess, check_at, definition_of, meets_fakes
from reglet.testing.recording import Recording
from reglet.testing.replay import Replay
from reglet.testing.secrets import known_secrets


class PluginClient:
    """Runs a plugin's checks against a host: config in, Result out, in the place that was asked for."""

    def __init__(self, plugin: Plugin, host: FakeHost) -> None:
        """Check `plugin` against `host`."""
        self.plugin = plugin
        self.host = host

    def manifest(self) -> Manifest:
        """Return the plugin's description of itself."""
        return self.plugin.manifest(Context())

    def check(self, config: Mapping[str, Any] | bytes | None = None, /, **fields: Any) -> Result:
        """Run a check. A config may be an object, the bytes that a host sends, or keyword arguments."""
        return self.host.check(
            self.plugin, config if isinstance(config, bytes) else {**(config or {}), **fields}
        )


def replayed(plugin: Plugin, path: Path, config: Mapping[str, Any] | None = None) -> Result:
    """Run the check of a recording again and return its Result.

    `config` stands in for the recorded one, for configs whose secrets were masked. The recording answers in
    every place, the real world too. Raises `ReplayMismatchError` where a host call differs, and
    `RecordingError` for what is no recording.
    """
    recording = Recording.load(path)
    given = encoded(config if config is not None else recording.config)
    replay = Replay(recording, secrets=known_secrets(given, plugin))
    if meets_fakes(plugin):
        result = check_at(plugin, replay, given)
    else:
        result = InProcess(definition_of(plugin)).check(replay, given)
    replay.assert_faithful()
    return result
