"""Give a plugin configs and hosts at random: whatever comes, it answers with a Result and has no bug."""

from __future__ import annotations

import json
from typing import Any

from reglet.application.examples import Answer
from reglet.application.plugin import PluginDefinition
from reglet.domain.context import Context
from reglet.domain.ports import Plugin
from reglet.testing.examples import examples_of
from reglet.testing.fakes.host import FakeHost
from reglet.testing.matching import explain
from reglet.testing.runners import definition_of
from reglet.testing.usage import usage_paused


def assert_never_traps(plugin: Plugin, *, max_examples: int = 100) -> None:
    """Raise `AssertionError` with the smallest config and host answers for which the plugin has a bug.

    Every operation gets configs that fit, configs that nearly fit, its examples and bytes that are no
    config, while its host answers and fails at random. A bug is a Result of type `panic`, or none at all.
    The same configs are tried each time.

    Args:
        plugin: the plugin, made by `define_plugin`.
        max_examples: how many configs of each kind are tried.

    Raises:
        ImportError: hypothesis is not installed.
        TypeError: the plugin has no models to make configs from.
    """
    __tracebackhide__ = True
    from reglet.testing import strategies  # raises ImportError with what to install

    definition = definition_of(plugin)
    if not isinstance(definition, PluginDefinition):
        raise TypeError(f"{type(definition).__name__} has no models: fuzz a plugin made by define_plugin")
    from hypothesis import Phase, given, settings
    from hypothesis import strategies as st

    grants = plugin.manifest(Context()).capabilities
    phases = (Phase.generate, Phase.target, Phase.shrink)
    quiet = settings(max_examples=max_examples, deadline=None, database=None, derandomize=True, phases=phases)

    def explore(configs: st.SearchStrategy[Any]) -> None:
        @quiet
        @given(config=configs, host_answers=strategies.host_answers())
        def run(config: Any, host_answers: list[Answer]) -> None:
            _run(plugin, FakeHost(*host_answers, grants=grants), config)

        run()

    for case in examples_of(plugin):
        explore(st.just(case.config))
    for operation in definition.operations:
        explore(strategies.configs(operation))
        explore(strategies.broken_configs(operation))
    explore(st.binary(max_size=200))


def _run(plugin: Plugin, host: FakeHost, config: Any) -> None:
    with usage_paused():
        result = host.check(plugin, config)
    if result.error is not None and result.error.type == "panic":
        calls = [
            f"\n  it called {call.name} {call.request.decode()} and got {call.answer.decode()}"
            for call in host.calls
        ]
        shown_config = repr(config) if isinstance(config, bytes) else json.dumps(config)
        what = f"the plugin has a bug: {result.message}{explain(result)}"
        raise AssertionError(f"{what}\n  config: {shown_config}{''.join(calls)}")
