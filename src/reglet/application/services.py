"""Services: classes whose methods are operations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from reglet.application.names import check_name
from reglet.application.operations import Operation, declared_on, make_operation
from reglet.domain.entities.manifest import ServiceManifest
from reglet.domain.errors import DefinitionError


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
            raise DefinitionError(f'service {cls.__qualname__}: two operations are called "{made.name}"')
        operations[made.name] = made
    if not operations:
        raise DefinitionError(
            f"service {cls.__qualname__} has no operations; put @reglet.operation(…) on the methods that are"
        )
    return Service(name, description, operations)
