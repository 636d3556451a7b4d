"""Which plugin a module means."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

import reglet
from reglet.application.plugin import plugin_of
from reglet.errors import DefinitionError
from tests.application.plugins import several, single


class OwnPlugin:
    """A plugin of an author's own."""

    def manifest(self, ctx: reglet.Context) -> reglet.Manifest:
        """Say a name."""
        return reglet.Manifest("own", "1.0.0")

    def check(self, ctx: reglet.Context, config: bytes) -> reglet.Result:
        """Succeed."""
        return reglet.result_success("ok")


def _module(source: str = "", **names: Any) -> ModuleType:
    module = ModuleType("made")
    vars(module).update(names, reglet=reglet, single=None)
    exec(source, vars(module))
    return module


def test_the_only_plugin_of_a_module_is_meant():
    """Under any name, and under two names once; classes and modules are not plugins."""
    assert plugin_of(_module(anything=single)) is single
    assert plugin_of(_module(one=single, other=single)) is single
    own = OwnPlugin()
    assert plugin_of(_module(own=own, OwnPlugin=OwnPlugin)) is own


def test_the_registered_plugin_is_meant_before_others():
    """Registration decides, and gives the plugin back."""
    module = _module("assert reglet.register(b) is b; reglet.register(b)", a=single, b=several)
    assert plugin_of(module) is several


def test_a_module_registers_in_itself_alone():
    """No other module knows of it."""
    _module("reglet.register(b)", b=several)
    with pytest.raises(DefinitionError, match="has no plugin at its top level"):
        plugin_of(_module())


def test_several_plugins_are_an_error_that_names_them():
    """Nobody guesses."""
    with pytest.raises(DefinitionError, match=r"several plugins: a, b; say which in pyproject\.toml"):
        plugin_of(_module(a=single, b=several))


def test_two_registrations_in_one_module_are_refused():
    """The first would be forgotten."""
    with pytest.raises(DefinitionError, match="registers two plugins"):
        _module("reglet.register(a); reglet.register(b)", a=single, b=several)


@pytest.mark.parametrize("thing", [OwnPlugin, "x", object()])
def test_only_a_plugin_can_be_registered(thing):
    """A class is not one; its object is."""
    with pytest.raises(DefinitionError, match="is no plugin: register an object"):
        reglet.register(thing)
