"""`define_plugin`, services, the manifest, and which plugin a module means."""

from __future__ import annotations

import functools
import json
from types import ModuleType
from typing import Any

import pytest

import reglet
from reglet import Context
from reglet.application.plugin import plugin_of
from reglet.errors import DefinitionError, SchemaError
from tests.application.plugins import CheckInput, CheckOutput, several, single


def _plugin(**given: Any) -> Any:
    return reglet.define_plugin(**{"name": "p", "description": "d", **given})


def test_a_plugin_definition_is_a_plugin():
    """It satisfies the protocol that hosts are written against."""
    assert isinstance(single, reglet.Plugin)


def test_a_manifest_says_everything():
    """Services in declared order, input fields, output schemas, examples."""
    manifest = single.manifest(Context())
    assert (manifest.name, manifest.version, manifest.sdk_version) == ("single", "1.0.0", reglet.__version__)
    assert manifest.config_schema == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "properties": {
            "url": {"type": "string", "description": "URL to request"},
            "expected_status": {"type": "integer", "default": 200},
        },
        "additionalProperties": False,
        "type": "object",
        "required": ["url"],
    }
    [operation] = manifest.services["http"].operations
    assert (operation.name, operation.description) == ("check", "Check URL")
    assert operation.input_fields == ("url", "expected_status")
    assert operation.output_schema is not None
    assert operation.output_schema["required"] == ["status_code", "url"]
    first, second = operation.examples
    assert (first.name, first.description, first.input) == ("basic", "d", {"url": "u"})
    assert first.expected_output == {"status_code": 200, "url": "u"}
    assert (second.expected_output, second.expected_error) == (None, "down")


def test_services_and_operations_keep_their_order():
    """Names come from methods, without a trailing underscore."""
    assert [str(each) for each in several.operations] == ["web.check", "web.list", "status.ping"]
    assert list(several.manifest(Context()).services) == ["web", "status"]
    assert several.operations[0].input is CheckInput
    assert several.services["web"].operations["check"].output is CheckOutput


def test_capabilities_are_deduplicated_and_kept():
    """Hosts compare them rule by rule."""
    rule = reglet.NetworkRule(hosts=["*"], ports=["443"])
    plugin = _plugin(
        capabilities=reglet.GrantSet(network=reglet.NetworkCapability(rules=[rule, rule])),
        min_host_version="0.2.0",
    )
    manifest = plugin.manifest(Context())
    assert manifest.capabilities.network == reglet.NetworkCapability(rules=[rule])
    assert manifest.min_host_version == "0.2.0"


@pytest.mark.parametrize("name", ["", "with space", "-x", None])
def test_a_plugin_needs_a_name_that_can_be_used(name):
    """On a command line and in a file name."""
    with pytest.raises(DefinitionError, match="plugin name"):
        _plugin(name=name)


def test_the_version_is_adopted_from_the_project():
    """Where the plugin declares none; until then it is 0.0.0."""
    plugin = _plugin()
    assert plugin.version == "0.0.0"
    plugin.adopt_version("1.2.3")
    plugin.adopt_version("1.2.4")
    assert (plugin.version, plugin.manifest(Context()).version) == ("1.2.4", "1.2.4")
    assert repr(plugin) == "<PluginDefinition p 1.2.4>"


def test_two_different_versions_are_an_error():
    """One of them would be a lie; the same twice is none."""
    plugin = _plugin(version="1.0.0")
    plugin.adopt_version("1.0.0")
    with pytest.raises(DefinitionError, match=r'says version "1\.0\.0" and the project says "2\.0\.0"'):
        plugin.adopt_version("2.0.0")


def test_two_services_of_one_name_are_refused():
    """A config could not tell them apart."""
    plugin = _plugin()

    class One:
        @reglet.operation()
        def check(self) -> reglet.Result:
            return reglet.result_success("one")

    plugin.service("s")(One)
    with pytest.raises(DefinitionError, match='two services are called "s"'):
        plugin.service("s")(One)


def test_a_class_stays_what_it_is():
    """The decorator gives it back, so tests may make instances of their own."""

    class One:
        @reglet.operation()
        def check(self) -> reglet.Result:
            return reglet.result_success("one")

    assert _plugin().service("s")(One) is One
    assert One().check().message == "one"


class _Bases:
    @reglet.operation()
    def first(self) -> reglet.Result:
        """Come first."""
        return reglet.result_success("first")


def _counted(handler: Any) -> Any:
    @functools.wraps(handler)
    def counting(*arguments: Any) -> Any:
        return handler(*arguments).with_field("counted", True)

    return counting


def test_a_handler_may_have_decorators_of_its_own():
    """Above and below ours, if they say what they wrap."""
    plugin = _plugin()

    @plugin.service("s")
    class Service:
        @_counted
        @reglet.operation()
        def above(self, request: CheckInput) -> reglet.Result:
            return reglet.result_success("above", {"url": request.url})

        @reglet.operation()
        @_counted
        def below(self, request: CheckInput) -> reglet.Result:
            return reglet.result_success("below", {"url": request.url})

    for name in ("above", "below"):
        result = plugin.check(Context(), json.dumps({"operation": name, "url": "u"}).encode())
        assert (result.message, result.data) == (name, {"url": "u", "counted": True})


def test_operations_are_inherited_and_overridden():
    """Those of a base come first; an overriding method needs its own decorator."""
    plugin = _plugin()

    @plugin.service("s")
    class Service(_Bases):
        @reglet.operation(name="renamed")
        def second(self) -> reglet.Result:
            return reglet.result_success("second")

        @reglet.operation(description="anew")
        def first(self) -> reglet.Result:
            return reglet.result_success("anew")

    assert list(plugin.services["s"].operations) == ["first", "renamed"]
    assert plugin.check(Context(), b'{"operation": "first"}').message == "anew"


def _not_made(plugin: Any) -> None:
    @plugin.service("s")
    class NeedsArguments:
        def __init__(self, x: int) -> None:
            self.x = x

        @reglet.operation()
        def check(self) -> reglet.Result:
            return reglet.result_success("x")


def _empty(plugin: Any) -> None:
    @plugin.service("s")
    class Empty:
        def check(self) -> reglet.Result:
            return reglet.result_success("x")


def _not_a_class(plugin: Any) -> None:
    @plugin.service("s")
    def service() -> None: ...


def _twice(plugin: Any) -> None:
    @plugin.service("s")
    class Twice:
        @reglet.operation()
        def check(self) -> reglet.Result:
            return reglet.result_success("x")

        @reglet.operation()
        def check_(self) -> reglet.Result:
            return reglet.result_success("x")


def _bad_name(plugin: Any) -> None:
    @plugin.service("s p")
    class BadName:
        @reglet.operation()
        def check(self) -> reglet.Result:
            return reglet.result_success("x")


def _static(plugin: Any) -> None:
    @plugin.service("s")
    class Static:
        @reglet.operation()
        @staticmethod
        def check() -> reglet.Result:
            return reglet.result_success("x")


def _routing_field(plugin: Any) -> None:
    @plugin.service("s")
    class Routed:
        @reglet.operation()
        def check(self, request: Routing) -> reglet.Result:
            return reglet.result_success("x")


@reglet.model
class Routing:
    """A field that hosts overwrite."""

    kind: str = reglet.field(default="", json_name="operation")


@pytest.mark.parametrize(
    ("define", "reason"),
    [
        (_not_made, "made once, without arguments, and that fails: .*'x'"),
        (_empty, "has no operations; put @reglet.operation"),
        (_not_a_class, "put it on a class"),
        (_twice, 'two operations are called "check"'),
        (_static, "stands above a staticmethod; put it on a plain method"),
        (_bad_name, "service name 's p'"),
        (_routing_field, "Routing.kind: hosts use 'operation' to choose the operation"),
    ],
)
def test_a_service_that_cannot_work_is_refused_where_it_stands(define, reason):
    """At import, with the class's name and what to do."""
    plugin = _plugin()
    with pytest.raises(DefinitionError, match=reason):
        define(plugin)
    assert plugin.services == {}


@pytest.mark.parametrize("name", [_Bases(), _Bases, None])
def test_a_service_needs_its_name(name):
    """`plugin.service(S())` would return a decorator that nobody applies."""
    with pytest.raises(DefinitionError, match=r'service takes a name first, .*@plugin\.service\("name"\)'):
        _plugin().service(name)


def test_capabilities_are_a_grant_set():
    """An empty dict would ask for nothing."""
    with pytest.raises(DefinitionError, match=r"capabilities is a dict; write reglet\.GrantSet"):
        _plugin(capabilities={})


@pytest.mark.parametrize("version", ["one", "vone", " 1", 1, "1.0 beta"])
def test_what_does_not_look_like_a_version_is_refused(version):
    """Hosts compare versions."""
    with pytest.raises(DefinitionError, match=f"version {version!r}: write it like"):
        _plugin(version=version)


@pytest.mark.parametrize("version", ["1", "1.0.0", "1.0.0-rc.1+build.5", "1!2.0.dev3+local", "v1-beta"])
def test_versions_of_each_kind_are_taken(version):
    """Of Semantic Versioning, of Python's packages, and of Go's modules."""
    assert _plugin(version=version).version == version


def test_a_config_model_with_a_routing_field_is_refused():
    """Hosts would overwrite it."""
    with pytest.raises(DefinitionError, match="hosts use 'operation'"):
        _plugin(config=Routing)


def test_a_config_that_is_no_model_is_refused():
    """There would be no schema."""
    with pytest.raises(DefinitionError, match="is no model"):
        _plugin(config=dict)


def _example(*examples: Any) -> Any:
    plugin = _plugin()

    @plugin.service("s")
    class Service:
        @reglet.operation(examples=examples)
        def check(self, request: CheckInput) -> CheckOutput:
            return CheckOutput(1, request.url)

    return plugin


@pytest.mark.parametrize(
    ("examples", "reason"),
    [
        ([reglet.Example("a", CheckInput("u")), reglet.Example("a", CheckInput("u"))], "two examples"),
        (
            [reglet.Example("a", CheckOutput(1, "u"))],
            r"input of example 'a' is of type CheckOutput; write CheckInput\(",
        ),
        ([reglet.Example("a", CheckInput("u"), expected_output=CheckInput("u"))], "output of example 'a'"),
        ([reglet.Example("a", CheckInput(5))], "does not fit: must be a string, not 5 @"),
    ],
)
def test_an_example_that_does_not_fit_is_refused(examples, reason):
    """Here too, for whoever runs no type checker."""
    with pytest.raises(DefinitionError, match=reason):
        _example(*examples)


def test_an_example_without_input_is_none():
    """For a handler that takes none."""
    plugin = _plugin()

    @plugin.service("s")
    class Service:
        @reglet.operation(examples=[reglet.Example("a", None, expected_output=CheckOutput(1, "u"))])
        def check(self) -> CheckOutput:
            return CheckOutput(1, "u")

    [operation] = plugin.manifest(Context()).services["s"].operations
    assert operation.input_fields == ()
    assert operation.examples[0].expected_output == {"status_code": 1, "url": "u"}


def test_an_example_of_an_error_may_have_any_input():
    """That may be what the error is about."""
    assert _example(reglet.Example("a", CheckInput(5), expected_error="a string")).operations  # type: ignore[arg-type]


def test_an_example_expects_one_thing():
    """An output or an error."""
    with pytest.raises(DefinitionError, match="one of the two"):
        reglet.Example("a", CheckInput("u"), expected_output=CheckOutput(1, "u"), expected_error="x")  # type: ignore[call-overload]
    assert repr(reglet.Example("a", 1)) == "Example('a', 1)"


def test_a_model_that_has_no_schema_is_refused_at_import():
    """Not at the first check."""

    @reglet.model
    class Unreadable:
        x: bytes = b""

    with pytest.raises(SchemaError, match="bytes has no JSON Schema"):
        _plugin(config=Unreadable)


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
