"""The numbers of `random`: those of a guest, however a plugin came by the function."""

from __future__ import annotations

from pathlib import Path

import pytest

from reglet.sandbox import Sandbox
from tests.built_plugins import BuildSource

pytestmark = pytest.mark.unmeasured

_SOURCE = """
import random
from random import getrandbits

import reglet

plugin = reglet.define_plugin(name="random", version="1.0.0", description="Draws numbers")
KEPT = {"function": (random.getrandbits,)}

@plugin.service("random")
class Random:
    @reglet.operation()
    def draw(self) -> reglet.Result:
        return reglet.result_success("ok", {"number": DRAW})
"""
_WAYS = {
    "the module": "random.getrandbits(64)",
    "a function taken at import": "getrandbits(64)",
    "a function in a container": 'KEPT["function"][0](64)',
    "an import in the function": '__import__("random").getrandbits(64)',
}


def _source(way: str) -> str:
    """Return the plugin that draws in one way, without what would hold a function in another."""
    lines = _SOURCE.replace("DRAW", _WAYS[way]).splitlines()
    unwanted = {"a function taken at import": "KEPT", "a function in a container": "from random"}
    return "\n".join(
        line for line in lines if not line.startswith(unwanted.get(way, ("KEPT", "from random")))
    )


@pytest.mark.parametrize("way", _WAYS)
def test_no_guest_draws_what_another_one_did(built_source: BuildSource, way: str) -> None:
    """Each has a seed of its own from its host, and goes on with it in its next check."""
    path: Path = built_source(_source(way))

    with Sandbox() as sandbox:
        module = sandbox.load(path)
        drawn = [(module.check({}).data or {})["number"] for _ in range(3)]

    assert len(set(drawn)) == len(drawn)
