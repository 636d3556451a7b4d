"""The plugin that the rows on overshoot run: one operation that runs whatever code it is told."""

from __future__ import annotations

import reglet
from reglet import Context

plugin = reglet.define_plugin(
    name="bench-hostile", version="1.0.0", description="Runs what it is told, which does not end"
)


@reglet.model
class Deed:
    """What to do."""

    code: str


@reglet.model
class Nothing:
    """It does not get here."""


@plugin.service("bench", description="Hostile loads")
class Bench:
    """Runs code."""

    @reglet.operation(description="Run code")
    def run(self, _ctx: Context, request: Deed) -> Nothing:
        """Run it."""
        exec(request.code, {})
        return Nothing()
