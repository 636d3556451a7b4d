"""Constructors of attrs classes in the reference: sources show the fields, not what they make."""

from __future__ import annotations

from typing import Any

from griffe import (
    Attribute,
    Class,
    Expr,
    ExprCall,
    ExprKeyword,
    Extension,
    Function,
    Module,
    Parameter,
    ParameterKind,
    Parameters,
)

_DECORATORS = {"attrs.frozen", "attrs.define"}


class AttrsConstructors(Extension):
    """Gives each attrs class the `__init__` that its fields make."""

    def on_package(self, *, pkg: Module, **kwargs: Any) -> None:
        """Go through a package once all of it is read."""
        del kwargs
        _visit(pkg)


def _visit(scope: Module | Class) -> None:
    for member in list(scope.members.values()):
        if member.is_alias:
            continue
        if isinstance(member, Class) and any(each.callable_path in _DECORATORS for each in member.decorators):
            _add_constructor(member)
        if isinstance(member, (Module, Class)):
            _visit(member)


def _add_constructor(cls: Class) -> None:
    keyword_only = any("kw_only=True" in str(each.value) for each in cls.decorators)
    kind = ParameterKind.keyword_only if keyword_only else ParameterKind.positional_or_keyword
    parameters = [
        Parameter(name, annotation=each.annotation, kind=kind, default=default)
        for each in cls.attributes.values()
        if (field := _constructor_argument(each)) is not None
        for name, default in [field]
    ]
    this = Parameter("self", kind=ParameterKind.positional_or_keyword)
    made = Function("__init__", parameters=Parameters(this, *parameters), returns="None", parent=cls)
    if "__init__" not in cls.members:
        cls.set_member("__init__", made)


def _constructor_argument(attribute: Attribute) -> tuple[str, str | Expr | None] | None:
    """Return the name and default of the argument that a field makes, None for what is no field of it."""
    if attribute.annotation is None or "instance-attribute" not in attribute.labels:
        return None
    name, value = attribute.name.lstrip("_"), attribute.value
    if not (isinstance(value, ExprCall) and value.canonical_path == "attrs.field"):
        return name, value
    options = {each.name: each.value for each in value.arguments if isinstance(each, ExprKeyword)}
    if str(options.get("init")) == "False":
        return None
    if "factory" in options:
        return name, f"{options['factory']}()"
    return name, options.get("default")
