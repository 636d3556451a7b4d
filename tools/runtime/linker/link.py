"""The linker: WebAssembly shared libraries in, one core module out.

The stages are read, resolve, lay out, relocate, prune, renumber and write; each has its own file.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from attrs import frozen

from reglet.infrastructure.wasm import unsigned
from tools.runtime.linker.code import Numbering, Rewriter, equal_functions, number, reachable
from tools.runtime.linker.excluded import (
    Excluded,
    OptionalPart,
    excluded_functions,
    largest_excluded,
    zero_descriptions,
    zero_excluded_data,
)
from tools.runtime.linker.layout import Addresses, lay_out, placed_data, pointers
from tools.runtime.linker.read import LinkError
from tools.runtime.linker.resolve import Function, Resolver, Rules, Trap
from tools.runtime.linker.write import Contents, display_name, trap_body, write_module

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tools.runtime.linker.instructions import Piece
    from tools.runtime.linker.read import Library
    from tools.runtime.linker.resolve import Target

CONSTRUCTOR = "__init"
"""What the names of the exported constructors begin with; a number in two digits follows."""


@frozen
class LinkPlan:
    """What to link for.

    Attributes:
        rules: Where names come from.
        exports: The names that the module exports; each is an export of one of the libraries.
        lasting: Those exports that are called after a snapshot too; what only others lead to is listed.
        once: Names of functions that nothing calls after a snapshot, though pointers lead to them;
            whoever names one must have proved it.
        located: Exports of the libraries that the module does not export, and whose bodies are located.
        excluded: Parts of the libraries that the module does without.
        optional: Parts whose functions are listed, for builds that do without them.
        stack_size: Bytes, a multiple of 16.
        room_size: Bytes before the heap that are left to the host, a multiple of 16.
        debug_names: Whether to write the functions' names.
    """

    rules: Rules
    exports: tuple[str, ...]
    lasting: tuple[str, ...] = ()
    once: tuple[str, ...] = ()
    located: tuple[str, ...] = ()
    excluded: tuple[Excluded, ...] = ()
    optional: tuple[OptionalPart, ...] = ()
    stack_size: int = 1 << 20
    room_size: int = 0
    debug_names: bool = False


@frozen
class LinkedModule:
    """The module, and what its user must know of it.

    Attributes:
        wasm: The module.
        heap_base: The address from which on the heap grows.
        constructors: The exports to call before anything else, in this order.
        located: Where the located bodies begin, in bytes from the start of the code section's contents.
        startup: Where entries of functions begin and end that no lasting export and no pointer leads to, or
            that run once.
        optional: Of each optional part, where the entries of its functions begin and end, likewise.
        traps: The interface functions that end the guest when called.
    """

    wasm: bytes
    heap_base: int
    constructors: tuple[str, ...]
    located: Mapping[str, int]
    startup: tuple[tuple[int, int], ...]
    optional: tuple[tuple[tuple[int, int], ...], ...]
    traps: tuple[str, ...]


def link(libraries: Sequence[Library], plan: LinkPlan) -> LinkedModule:
    """Link libraries, given in the order in which they are to be initialised.

    Raises:
        LinkError: something is missing, does not fit, or is not understood.
    """
    resolver = Resolver(libraries, plan.rules)
    layout = lay_out(libraries, plan.stack_size, plan.room_size)
    unused = largest_excluded(libraries, layout.memory_bases, plan.excluded)
    addresses = Addresses(libraries, layout, resolver, unused)
    constructors = _constructors(libraries, resolver)
    exports = {**_exports(libraries, resolver, plan.exports), **constructors}
    located = _exports(libraries, resolver, plan.located)
    data = placed_data(libraries, addresses)
    zero_excluded_data(libraries, layout.memory_bases, plan.excluded, data)
    zero_descriptions(data, pointers(libraries, addresses))
    omitted = excluded_functions(libraries, plan.excluded)
    table = {slot: target for slot, target in sorted(addresses.table.items()) if target not in omitted}
    roots = [*exports.values(), *located.values(), *table.values()]
    bodies, outside = reachable(libraries, resolver, roots, omitted)
    same: dict[Function, Function] = {}
    while True:
        numbering = number(libraries, bodies, outside, same)
        code = _rewrite(libraries, resolver, addresses, numbering, bodies)
        types = [resolver.type_of(target) for target in numbering.order]
        found = equal_functions(numbering, types, code)
        if not found:
            break  # those that call what was found to be equal were compared again
        same = {each: found.get(kept, kept) for each, kept in same.items()} | found
    names: dict[int, str] = {}
    for target, index in numbering.indices.items() if plan.debug_names else ():
        known = libraries[target.library].function_names if isinstance(target, Function) else {}
        name = display_name(target, known)
        if name is not None:
            names.setdefault(index, name)  # of those that share a body, the one that it was kept of
    wasm = write_module(
        Contents(layout, numbering, code, types, exports, table, addresses.table_size, data, names),
    )
    traps = tuple(each.name for each in numbering.order if isinstance(each, Trap))
    sizes = (len(unsigned(len(body))) + len(body) for body in code)
    ends = list(accumulate(sizes, initial=len(unsigned(len(code)))))
    first = len(numbering.order) - len(code)
    once = {each for name in plan.once for each in resolver.functions_called(name)}
    pointed = [target for target in table.values() if target not in once]
    lasting = [*(exports[name] for name in plan.lasting), *located.values(), *pointed]
    kept_functions = reachable(libraries, resolver, lasting, omitted)[0].keys()
    needed = {numbering.indices[each] for each in kept_functions}
    startup = sorted({numbering.indices[each] for each in bodies} - needed)

    def entries(indices: Iterable[int]) -> tuple[tuple[int, int], ...]:
        return tuple((ends[index - first], ends[index - first + 1]) for index in indices)

    optional: list[tuple[tuple[int, int], ...]] = []
    for part in plan.optional:
        functions = excluded_functions(libraries, [part])
        shared = {kept for each, kept in same.items() if each not in functions}
        alone = kept_functions & functions - shared - same.keys()
        optional.append(entries(sorted(numbering.indices[each] for each in alone)))
    return LinkedModule(
        wasm,
        layout.heap_base,
        tuple(constructors),
        {
            name: ends[place + 1] - len(code[place])
            for name, each in located.items()
            for place in [numbering.indices[each] - first]
        },
        entries(startup),
        tuple(optional),
        traps,
    )


def _exports(libraries: Sequence[Library], resolver: Resolver, names: Sequence[str]) -> dict[str, Target]:
    exports: dict[str, Target] = {}
    for name in names:
        found = [
            target
            for place in range(len(libraries))
            if (target := resolver.exported_function(place, name)) is not None
        ]
        if len(found) != 1:
            raise LinkError(f"{len(found)} libraries export {name!r}, which the module is to export")
        exports[name] = found[0]
    return exports


def _constructors(libraries: Sequence[Library], resolver: Resolver) -> dict[str, Target]:
    """Order what must run before anything else: zeroing, then initialisation, library by library."""
    found: list[Target] = []
    for library, each in enumerate(libraries):
        if each.module.start is not None:
            found.append(resolver.function(library, each.module.start))
    for library in range(len(libraries)):
        targets = (resolver.exported_function(library, name) for name in ("_initialize", "__wasm_call_ctors"))
        found += [target for target in targets if target is not None][:1]
    return {f"{CONSTRUCTOR}{count:02}": target for count, target in enumerate(found)}


def _rewrite(
    libraries: Sequence[Library], resolver: Resolver, addresses: Addresses, numbering: Numbering,
    bodies: Mapping[Function, list[Piece]],
) -> list[bytes]:  # fmt: skip
    rewriters = [
        Rewriter(library, libraries, resolver, addresses, numbering) for library in range(len(libraries))
    ]
    code: list[bytes] = []
    for target in numbering.order:
        if isinstance(target, Function):
            code.append(rewriters[target.library].body(bodies[target]))
        elif isinstance(target, Trap):
            code.append(trap_body())
    return code
