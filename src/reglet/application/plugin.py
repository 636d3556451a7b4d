"""Plugins: how they are defined, their services and their config's schema, and which one a module means."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType, ModuleType
from typing import Any, TypeGuard, TypeVar, cast

from attrs import frozen

from reglet.application import __version__
from reglet.application.dispatch import Dispatcher
from reglet.application.models.json_schema import DRAFT, LIMITS, JSONSchema, input_schema
from reglet.application.models.model_types import model_type
from reglet.application.names import ROUTING, check_name, check_version
from reglet.application.operations import Operation, declared_on, make_operation
from reglet.domain.context import Context
from reglet.domain.entities.grants import GrantSet
from reglet.domain.entities.manifest import Manifest, ServiceManifest
from reglet.domain.entities.result import Result
from reglet.domain.errors import DefinitionError
from reglet.domain.ports import Plugin

_PROSE = frozenset({"title", "description", "default", "examples", "deprecated", "writeOnly"})


def config_schema(config: type[Any] | None, operations: Sequence[Operation]) -> JSONSchema:
    """Return the schema of a plugin's configs.

    A field is required if every operation requires it. Bounds that differ are left to each operation.

    Raises:
        DefinitionError: two operations, or an operation and the config model, disagree about a field.
    """
    if config is not None:
        schema = input_schema(config)
        _check_against_config(config, schema, operations)
    else:
        schema = _union(operations)
    if len(operations) > 1:  # else there is nothing to choose from
        services = list(dict.fromkeys(each.service for each in operations))
        names = list(dict.fromkeys(each.name for each in operations))
        routing = {
            "service": {"type": "string", "enum": services, "description": "Service to call"},
            "operation": {"type": "string", "enum": names, "description": "Operation to call"},
        }
        schema["properties"] = {**routing, **schema["properties"]}
    return schema


def _union(operations: Sequence[Operation]) -> JSONSchema:
    """Return one schema for all operations: each field as wide as the widest that has it."""
    inputs = [(each, input_schema(each.input)) for each in operations if each.input is not None]
    properties: dict[str, JSONSchema] = {}
    owners: dict[str, Operation] = {}
    for operation, schema in inputs:
        for name, other in schema["properties"].items():
            if name not in properties:
                properties[name], owners[name] = other, operation
                continue
            one, owner = properties[name], owners[name]
            if _type(one) != _type(other):
                raise DefinitionError(
                    f'field "{name}" has one type in {owner} and another in {operation}: {_type(one)} and '
                    f"{_type(other)}; hosts know one schema a plugin, so give it one type or two names"
                )
            if "default" in one and "default" in other and one["default"] != other["default"]:
                raise DefinitionError(
                    f'field "{name}" has the default {one["default"]!r} in {owner} and '
                    f"{other['default']!r} in {operation}; give it one default or two names"
                )
            is_same = _without(one, _PROSE) == _without(other, _PROSE)
            properties[name] = {**other, **one} if is_same else {**_wide(other), **_wide(one)}
    required = [
        name
        for name in properties
        if len(inputs) == len(operations) and all(name in each.get("required", ()) for _, each in inputs)
    ]
    for name, schema in properties.items():
        if any(name in each.get("required", ()) for _, each in inputs):
            schema.pop("default", None)
    union = {"$schema": DRAFT, "properties": properties, "additionalProperties": False, "type": "object"}
    return {**union, "required": required} if required else union


def _type(schema: Any) -> Any:
    """Return a schema without what may differ between operations, all the way down."""
    if isinstance(schema, list):
        return schema
    plain = {key: value for key, value in schema.items() if key not in LIMITS | _PROSE}
    for key in ("items", "additionalProperties"):
        if isinstance(plain.get(key), dict):
            plain[key] = _type(plain[key])
    if "properties" in plain:
        plain["properties"] = {name: _type(each) for name, each in plain["properties"].items()}
    return plain


def _wide(schema: JSONSchema) -> JSONSchema:
    """Return a schema without its limits."""
    return {**_type(schema), **{key: value for key, value in schema.items() if key in _PROSE}}


def _without(schema: JSONSchema, keys: frozenset[str]) -> JSONSchema:
    return {key: value for key, value in schema.items() if key not in keys}


def _check_against_config(config: type[Any], schema: JSONSchema, operations: Sequence[Operation]) -> None:
    for operation in operations:
        if operation.input is None:
            continue
        for name, wanted in input_schema(operation.input)["properties"].items():
            where = f'field "{name}" of {operation}'
            if name not in schema["properties"]:
                raise DefinitionError(
                    f"{where} is not in the config model {config.__name__}: hosts would refuse it; add it"
                )
            there = schema["properties"][name]
            if _type(there) != _type(wanted):
                raise DefinitionError(
                    f"{where} has another type in the config model {config.__name__}: "
                    f"{_type(wanted)} and {_type(there)}"
                )
            ours = next(each for each in model_type(config).fields if each.name == name)
            theirs = next(each for each in model_type(operation.input).fields if each.name == name)
            if ours.meta.secret != theirs.meta.secret:
                raise DefinitionError(
                    f"{where} is secret in one and not in the config model {config.__name__}; mark both"
                )
            if theirs.required and (ours.required or ours.default_value() is None):
                continue
            if ours.required or theirs.required or ours.default_value() != theirs.default_value():
                raise DefinitionError(
                    f"{where} has another default in the config model {config.__name__}; give both the same"
                )


@frozen
class Service:
    """A service of a plugin and its operations, by name in declared order."""

    name: str
    description: str
    operations: Mapping[str, Operation]

    def manifest(self) -> ServiceManifest:
        """Return its part of the manifest."""
        operations = tuple(each.manifest() for each in self.operations.values())
        return ServiceManifest(self.name, self.description, operations)


def make_service(name: str, description: str, cls: type[Any]) -> Service:
    """Return the service that a class is, with one instance of it.

    Raises:
        DefinitionError: it cannot be made without arguments, has no operations, or two of one name.
    """
    check_name("service", name)
    if not isinstance(cls, type):
        raise DefinitionError(f"@plugin.service stands above a {type(cls).__name__}; put it on a class")
    try:
        instance = cls()
    except TypeError as error:
        raise DefinitionError(
            f"service {cls.__qualname__} is made once, without arguments, and that fails: {error}"
        ) from error
    operations: dict[str, Operation] = {}
    # those of its bases first, each in the order it was written
    for attribute in dict.fromkeys(name for base in reversed(cls.__mro__) for name in vars(base)):
        declared = declared_on(getattr(cls, attribute, None))
        if declared is None:
            continue
        made = make_operation(name, instance, attribute, declared)
        if made.name in operations:
            raise DefinitionError(
                f'service {cls.__qualname__}: two operations are called "{made.name}"; give one another name'
            )
        operations[made.name] = made
    if not operations:
        raise DefinitionError(
            f"service {cls.__qualname__} has no operations; put @reglet.operation(…) on the methods that are"
        )
    return Service(name, description, operations)


P = TypeVar("P", bound=Plugin)

_REGISTERED = "__reglet_plugin__"


def register(plugin: P) -> P:
    """Make `plugin` the one that the calling module means, and return it.

    Raises:
        DefinitionError: it is no plugin, or the module registered another one.
    """
    if not is_plugin(plugin):
        name = getattr(plugin, "__name__", type(plugin).__name__)
        raise DefinitionError(
            f"{name} is no plugin: register an object with manifest(ctx) and check(ctx, config)"
        )
    module: dict[str, Any] = sys._getframe(1).f_globals  # noqa: SLF001 - the registry is the author's own module
    if module.setdefault(_REGISTERED, plugin) is not plugin:
        raise DefinitionError(f"module {module.get('__name__')} registers two plugins; register one")
    return plugin


def plugin_of(module: ModuleType) -> Plugin:
    """Return the plugin that a module means.

    Raises:
        DefinitionError: it has none, or several and none is registered; the message names them.
    """
    registered = vars(module).get(_REGISTERED)
    if registered is not None:
        return cast("Plugin", registered)
    found: dict[str, Plugin] = {}  # by name; one of two names counts once
    for name, value in vars(module).items():
        if is_plugin(value) and not any(value is known for known in found.values()):
            found[name] = value
    if not found:
        raise DefinitionError(
            f"module {module.__name__} has no plugin at its top level: write plugin = reglet.define_plugin(…)"
        )
    if len(found) > 1:
        raise DefinitionError(
            f"module {module.__name__} has several plugins: {', '.join(found)}; say which in "
            f'pyproject.toml, [tool.reglet] plugin = "{module.__name__}:…", or with reglet.register(…)'
        )
    [plugin] = found.values()
    return plugin


def is_plugin(value: object) -> TypeGuard[Plugin]:
    """Return whether a value is a plugin: a class or a module that could pass for one is not."""
    try:
        return not isinstance(value, (type, ModuleType)) and isinstance(value, Plugin)
    except Exception:  # noqa: BLE001 - a proxy whose object is gone, or not there yet, raises at any look
        return False


C = TypeVar("C")

NO_VERSION = "0.0.0"
"""What stands for a version where there is none."""


class PluginDefinition:
    """A plugin made of services; `define_plugin` makes it. It is a `Plugin`.

    Attributes:
        name: what hosts call it.
        description: what it checks, for people.
        config: its config model; None if the inputs of its operations are its config.
        capabilities: what it asks for.
        min_host_version: the oldest host it works with; empty if any.
    """

    def __init__(
        self,
        name: str,
        description: str,
        version: str | None,
        config: type[Any] | None,
        capabilities: GrantSet,
        min_host_version: str,
    ) -> None:
        """Take what `define_plugin` was given."""
        self.name = check_name("plugin", name)
        for option, value in (("description", description), ("min_host_version", min_host_version)):
            if not isinstance(value, str):
                raise DefinitionError(f"plugin {name}: {option} is {value!r}; write a string")
        if not isinstance(capabilities, GrantSet):
            raise DefinitionError(
                f"plugin {name}: capabilities is a {type(capabilities).__name__}; write reglet.GrantSet(…)"
            )
        self.description = description
        self.config = config
        if sys.platform != "wasi":  # a plugin does not need the policy
            # patterns that match nothing: each request would be denied, and the user could not help it
            from reglet.domain.policy import Policy

            for error in Policy(capabilities).errors:
                is_host = error.startswith("host ")
                advice = (
                    "; write a name, an address or a pattern, without scheme, port and path"
                    if is_host
                    else ""
                )
                raise DefinitionError(f"plugin {name}: capabilities: {error}{advice}")
        self.capabilities = capabilities.deduplicate()
        self.min_host_version = min_host_version
        self._declared_version = None if version is None else check_version(version)
        self._version = version
        self._services: dict[str, Service] = {}
        if config is not None:
            _refuse_routing_fields(config)
        self._dispatcher = Dispatcher((), config)

    def __repr__(self) -> str:
        """Return its name and version."""
        return f"<PluginDefinition {self.name} {self.version}>"

    @property
    def version(self) -> str:
        """Its version: declared here or adopted from its project; 0.0.0 while there is neither."""
        return self._version or NO_VERSION

    def adopt_version(self, version: str) -> None:
        """Take the version of the plugin's project, where the plugin declares none.

        Raises:
            DefinitionError: it declares another one.
        """
        if self._declared_version not in (None, version):
            raise DefinitionError(
                f'plugin {self.name}: define_plugin says version "{self._declared_version}" and the project '
                f'says "{version}"; leave it out of define_plugin'
            )
        self._version = version

    @property
    def services(self) -> Mapping[str, Service]:
        """Its services by name, in declared order."""
        return MappingProxyType(self._services)

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The operations of all services, in declared order."""
        return tuple(each for service in self._services.values() for each in service.operations.values())

    def service(self, name: str, *, description: str = "") -> Callable[[type[C]], type[C]]:
        """Make a class a service of this plugin; it is instantiated once, here, without arguments.

        Raises:
            DefinitionError: the name is none or is taken, or the class has no operations that can work.
        """
        if not isinstance(name, str):
            raise DefinitionError(
                f"plugin {self.name}: service takes a name first, not {name!r}; write "
                f'@plugin.service("name") above the class'
            )

        def add(cls: type[C]) -> type[C]:
            if name in self._services:
                raise DefinitionError(
                    f'plugin {self.name}: two services are called "{name}"; give one another name'
                )
            made = make_service(name, description, cls)
            for each in made.operations.values():
                if each.input is not None:
                    _refuse_routing_fields(each.input)
            schema = config_schema(self.config, (*self.operations, *made.operations.values()))
            self._services[name] = made
            self._dispatcher = Dispatcher(self.operations, self.config, schema)
            return cls

        return add

    def config_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of its configs."""
        return config_schema(self.config, self.operations)

    def manifest(self, ctx: Context) -> Manifest:  # noqa: ARG002 - the protocol's; a manifest is the same in all
        """Return the plugin's description of itself."""
        return Manifest(
            name=self.name,
            version=self.version,
            description=self.description,
            sdk_version=__version__,
            min_host_version=self.min_host_version,
            config_schema=self.config_schema(),
            capabilities=self.capabilities,
            services={name: service.manifest() for name, service in self._services.items()},
        )

    def check(self, ctx: Context, config: bytes) -> Result:
        """Route a JSON config to its operation and return the Result; errors and bugs are Results too.

        Raises:
            KeyboardInterrupt: the person at the keyboard wants out; nothing else is raised.
        """
        return self._dispatcher.check(ctx, config)


def define_plugin(
    *,
    name: str,
    description: str,
    version: str | None = None,
    config: type[Any] | None = None,
    capabilities: GrantSet | None = None,
    min_host_version: str | None = None,
) -> PluginDefinition:
    """Define a plugin; its services are added with `@plugin.service(name)`.

    Args:
        name: what hosts call it.
        description: what it checks, for people.
        version: its version; that of its project (`pyproject.toml`) if None.
        config: a model that has every field of every operation's input, and gives `ctx.config`.
        capabilities: what it asks for; nothing, if None.
        min_host_version: the oldest host it works with.

    Raises:
        DefinitionError: the name, the version or the capabilities cannot be used, or the config model
            cannot be read.
    """
    return PluginDefinition(
        name,
        description,
        version,
        config,
        GrantSet() if capabilities is None else capabilities,
        min_host_version or "",
    )


def _refuse_routing_fields(model: type[Any]) -> None:
    for each in model_type(model).fields:
        if each.name in ROUTING:
            raise DefinitionError(
                f"{model.__qualname__}.{each.attribute}: hosts use {each.name!r} to choose the operation, so "
                f"no field may have that name; give it another, or another json_name"
            )
