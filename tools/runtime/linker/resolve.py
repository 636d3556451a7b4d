"""Stage 2, resolve: every name that a library imports becomes a function, an address or a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from attrs import frozen

from reglet.infrastructure.wasm.sections import ExternKind
from tools.runtime.linker.read import LinkError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reglet.infrastructure.wasm.sections import Import
    from reglet.infrastructure.wasm.signatures import FunctionType
    from tools.runtime.linker.read import Library


class Function(NamedTuple):
    """A function with a body: which library, and its index there."""

    library: int
    local_index: int


class HostFunction(NamedTuple):
    """A function that the finished module imports."""

    module: str
    name: str
    type: FunctionType


class Trap(NamedTuple):
    """A function that nothing has and nothing may call: calling it ends the guest."""

    name: str
    type: FunctionType


Target: TypeAlias = Function | HostFunction | Trap


class DataSymbol(NamedTuple):
    """An address: an offset into a library's memory."""

    library: int
    offset: int


REPLACES = "replaces:"
"""What the name of an export begins with that is called in place of another library's function."""

ORIGINAL = "original:"
"""What the name of an import begins with that means the function itself, and not what replaces it."""


@frozen
class Rules:
    """Where names come from.

    Attributes:
        host_modules: Modules whose functions the finished module imports.
        interface_library: The library that answers component-model interfaces: the import of `f` from
            `wasi:io/poll@0.2.0` is its export `wasi:io/poll#f`. Its export `replaces:f` is called wherever
            another library calls its own `f`, which is its import `original:f`.
        traps: Interface functions (`wasi:io/poll#f`) that it does not answer, and that become a Trap.
    """

    host_modules: frozenset[str]
    interface_library: str
    traps: frozenset[str] = frozenset()


class Resolver:
    """Looks names up: in the library itself, in those that it needs, then in all, in link order."""

    def __init__(self, libraries: Sequence[Library], rules: Rules) -> None:
        self._libraries = libraries
        self._rules = rules
        self._places = {library.name: place for place, library in enumerate(libraries)}
        self._functions: dict[tuple[int, int], Target] = {}
        self._originals: dict[str, Function] = {}
        interface = self._places.get(rules.interface_library)
        if interface is not None:
            self._replace(interface)

    def function(self, library: int, index: int) -> Target:
        """Return what function `index` of a library is.

        Raises:
            LinkError: no library exports it, or with another type.
        """
        target = self._functions.get((library, index))
        if target is None:
            target = self._functions[library, index] = self._resolve_function(library, index)
        return target

    def exported_function(self, library: int, name: str) -> Target | None:
        """Return what the function is that a library exports as `name`, None if it does not."""
        export = self._libraries[library].module.exported.get(name)
        if export is None or export.kind is not ExternKind.FUNCTION:
            return None
        return self.function(library, export.index)

    def function_named(self, library: int, name: str) -> Target:
        """Return which function `library` means by `name`.

        Raises:
            LinkError: no library exports it.
        """
        for place in self._search_order(library):
            target = self.exported_function(place, name)
            if target is not None:
                return target
        raise LinkError(f"{self._libraries[library].name}: no library has the function {name!r}")

    def data_named(self, library: int, name: str) -> DataSymbol:
        """Return which address `library` means by `name`.

        Raises:
            LinkError: no library exports it.
        """
        for place in self._search_order(library):
            module = self._libraries[place].module
            export = module.exported.get(name)
            if export is not None and export.kind is ExternKind.GLOBAL:
                if export.index < len(module.global_imports):
                    raise LinkError(
                        f"{self._libraries[place].name}: exports the data {name!r} of another library"
                    )
                return DataSymbol(place, module.defined_global(export.index).initial.offset)
        raise LinkError(f"{self._libraries[library].name}: no library has the data {name!r}")

    def type_of(self, target: Target) -> FunctionType:
        """Return the type of a function."""
        if isinstance(target, Function):
            return self._libraries[target.library].module.function_type(target.local_index)
        return target.type

    def _replace(self, interface: int) -> None:
        for name, export in self._libraries[interface].module.exported.items():
            if not name.startswith(REPLACES):
                continue
            found = self.functions_called(name.removeprefix(REPLACES))
            if len(found) != 1:
                raise LinkError(f"{len(found)} functions have the name of what {name!r} stands in for")
            target = Function(interface, export.index)
            if self.type_of(target) != self.type_of(found[0]):
                raise LinkError(f"{name!r} is {self.type_of(target)}, not {self.type_of(found[0])}")
            self._originals[ORIGINAL + name.removeprefix(REPLACES)] = found[0]
            self._functions[found[0]] = target

    def functions_called(self, name: str) -> list[Function]:
        """Return the functions with bodies that have a name for debuggers; a `static` one has no other."""
        return [
            Function(place, index)
            for place, library in enumerate(self._libraries)
            for index, each in library.function_names.items()
            if each == name and index >= len(library.module.function_imports)
        ]

    def _resolve_function(self, library: int, index: int) -> Target:
        module = self._libraries[library].module
        if index >= len(module.function_imports) + len(module.functions):
            raise LinkError(f"{self._libraries[library].name}: function {index} does not exist")
        if index >= len(module.function_imports):
            return Function(library, index)
        wanted = module.function_imports[index]
        type_ = module.function_type(index)
        target = self._resolve_import(library, wanted, type_)
        found = self.type_of(target)
        if found != type_:
            raise LinkError(
                f"{self._libraries[library].name}: {wanted.name!r} is {found} and is called as {type_}"
            )
        return target

    def _resolve_import(self, library: int, wanted: Import, type_: FunctionType) -> Target:
        if wanted.module == "env":
            return self._originals.get(wanted.name) or self.function_named(library, wanted.name)
        if wanted.module in self._rules.host_modules:
            return HostFunction(wanted.module, wanted.name, type_)
        name = f"{wanted.module.partition('@')[0]}#{wanted.name}"
        interface = self._places.get(self._rules.interface_library)
        target = None if interface is None else self.exported_function(interface, name)
        if target is None and name not in self._rules.traps:
            raise LinkError(
                f"{self._libraries[library].name}: {name} is answered by nothing; "
                f"add it to {self._rules.interface_library} or to the list of traps"
            )
        return target or Trap(name, type_)

    def _search_order(self, library: int) -> list[int]:
        needed = self._libraries[library].dylink.needed
        first = [library, *(self._places[name] for name in needed if name in self._places)]
        return list(dict.fromkeys([*first, *range(len(self._libraries))]))
