"""What is left out of CPython is reached by nothing that stays."""

from __future__ import annotations

import ast
import json
from bisect import bisect_right
from typing import TYPE_CHECKING

import attrs
import pytest

from tests.tools.runtime.reachability import CodeReader, Objects, References
from tools.runtime import sources
from tools.runtime.adapter.numeric_values import HEADER_FILE, header, original_values
from tools.runtime.core import ADAPTER, ROOM_SIZE, STACK_SIZE
from tools.runtime.excluded import EXCLUDED, EXCLUDED_MODULES, OPTIONAL, OTHER_ALLOCATOR, RUN_ONCE
from tools.runtime.linker.excluded import OptionalPart, descriptions, excluded_functions
from tools.runtime.linker.layout import Addresses, Layout, Pointer, lay_out, placed_data, pointers
from tools.runtime.linker.read import Library, read_library
from tools.runtime.linker.resolve import Function, Resolver, Rules, Target
from tools.runtime.sources import Parts, linux_extension, take_parts

if TYPE_CHECKING:
    from reglet.infrastructure.runtime import RuntimeProduct
    from tests.tools.runtime.wasm_host import WasmHost


NO_ADDRESSES = {0x134500 + 0x100000}
"""pyexpat adds 1 MiB to a position in its input, in a function that keeps the base of its data in a local."""


NO_SLOTS = {"actual_complex_new", "sock_accept", "sock_recvfrom", "sock_recvfrom_into"}
"""They keep the bases of data and table in locals and add 4947 or 3239 to that of data: texts of error messages."""


PART_CONSTANTS = {
    "_PyTokenizer_FromFile",
    "_PyTokenizer_FromString",
    "tok_underflow_file",
    "zlib_compressobj",
}
"""They keep the base of the table in a local and add 2688 to 2744 to another, fields of a tokenizer's state; or 2310
to the base of data, the text of an error message."""


AST_CONSTANTS = {"ast2obj_stmt", "ast2obj_excepthandler"}
"""They keep the base of data in a local and add the offsets of fields in the interpreter's state."""


@attrs.frozen
class Linked:
    """The runtime's libraries, laid out, and what their code names. Addresses are those of the product."""

    libraries: list[Library]
    layout: Layout
    addresses: Addresses
    excluded: frozenset[Function]
    references: dict[Function, References]
    kept: frozenset[Function]
    pointers: list[Pointer]

    @property
    def python(self) -> int:
        """The place of libpython."""
        return [each.name for each in self.libraries].index("libpython3.14.so")

    @property
    def staying(self) -> list[References]:
        """The references of the functions that stay: not left out, and not pruned."""
        return [self.references[function] for function in self.kept if function not in self.excluded]

    @property
    def left_out_slots(self) -> set[int]:
        """The table slots of what is left out."""
        return {slot for slot, target in self.addresses.table.items() if target in self.excluded}

    @property
    def left_out_data(self) -> list[tuple[int, int]]:
        """The data that is left out."""
        names = [each.name for each in self.libraries]
        bases = {name: self.layout.memory_bases[place] for place, name in enumerate(names)}
        return [
            (bases[part.library] + start, bases[part.library] + end)
            for part in EXCLUDED
            for start, end in part.data
        ]

    def without(self, part: OptionalPart) -> Linked:
        """Return the same with an optional part left out."""
        return attrs.evolve(self, excluded=self.excluded | excluded_functions(self.libraries, [part]))

    def objects(self) -> Objects:
        """Return the data, cut into objects."""
        named = {address for each in self.references.values() for address in each.addresses}
        heap = self.layout.heap_base
        inside = [each for each in self.pointers if STACK_SIZE <= each.value < heap]
        return Objects(named | {each.value for each in inside}, inside)


@pytest.fixture(scope="module")
def parts() -> Parts:
    """The libraries of the installed componentize-py."""
    return take_parts(linux_extension())


@pytest.fixture(scope="module")
def linked(parts: Parts) -> Linked:
    """Everything that the linker knows, before it leaves anything out."""
    libraries = [read_library(each.name, parts.libraries[each.name]) for each in sources.LIBRARIES]
    libraries.append(read_library(sources.INTERFACE_LIBRARY, ADAPTER.read_bytes()))
    layout = lay_out(libraries, STACK_SIZE, ROOM_SIZE)
    resolver = Resolver(libraries, Rules(sources.HOST_MODULES, sources.INTERFACE_LIBRARY, sources.TRAPS))
    addresses = Addresses(libraries, layout, resolver)
    references = {
        Function(place, index): reader.references(index)
        for place, library in enumerate(libraries)
        for reader in [CodeReader(library, place, addresses, addresses.table_size)]
        for index in _scanned_functions(library)
    }
    excluded = excluded_functions(libraries, EXCLUDED)
    kept = _reachable(libraries, resolver, addresses, references)
    return Linked(
        libraries, layout, addresses, excluded, references, kept, list(pointers(libraries, addresses))
    )


def _reachable(
    libraries: list[Library], resolver: Resolver, addresses: Addresses, references: dict[Function, References]
) -> frozenset[Function]:
    """Follow calls from what the module exports, what runs first and every pointer."""
    adapter = len(libraries) - 1
    waiting: set[Target | None] = set(addresses.table.values())
    waiting |= {resolver.exported_function(adapter, name) for name in libraries[adapter].module.exported}
    for place, library in enumerate(libraries):
        waiting.add(resolver.exported_function(place, "_initialize"))
        if library.module.start is not None:
            waiting.add(resolver.function(place, library.module.start))
    seen: set[Function] = set()
    while waiting:
        function = waiting.pop()
        if isinstance(function, Function) and function not in seen and function in references:
            seen.add(function)
            waiting |= {resolver.function(function.library, called) for called in references[function].calls}
    return frozenset(seen)


def _scanned_functions(library: Library) -> list[int]:
    module = library.module
    first = len(module.function_imports)
    relocations = module.exported.get("__wasm_apply_data_relocs")
    left = {relocations.index} if relocations else set()
    return [index for index in range(first, first + len(module.functions)) if index not in left]


def test_nothing_that_stays_calls_what_is_left_out(linked: Linked) -> None:
    """No call leads there."""
    callers = [
        (function, called)
        for function, each in linked.references.items()
        if function not in linked.excluded and function in linked.kept
        for called in each.calls
        if Function(function.library, called) in linked.excluded
    ]
    assert callers == []


def test_nothing_that_stays_takes_the_address_of_what_is_left_out(linked: Linked) -> None:
    """No code that stays computes the table slot of a left-out function."""
    slots = linked.left_out_slots
    assert len(slots) > 700
    names = linked.libraries[linked.python].function_names
    takers = {
        names[function.local_index]
        for function, each in linked.references.items()
        if function not in linked.excluded and each.slots & slots
    }
    assert takers == NO_SLOTS


def test_pointers_to_what_is_left_out_lie_where_nothing_leads(linked: Linked) -> None:
    """Tables of such pointers belong to the left-out modules; the list of built-in modules alone names them."""
    objects = linked.objects()
    live = objects.reachable(address for each in linked.staying for address in each.addresses)
    slots = linked.left_out_slots
    holders = {objects.containing(each.address) for each in linked.pointers if each.value in slots}
    assert holders & live == {_list_of_modules(linked)}


def _list_of_modules(linked: Linked) -> int:
    """Return the address of the interpreter's list of built-in modules."""
    symbol = Resolver(linked.libraries, Rules(frozenset(), "")).data_named(linked.python, "PyImport_Inittab")
    variable = linked.layout.memory_bases[symbol.library] + symbol.offset
    [inittab] = [each.value for each in linked.pointers if each.address == variable]
    return inittab


@pytest.mark.parametrize("part", OPTIONAL, ids=lambda part: part.modules[0])
def test_an_optional_part_is_reached_through_its_modules_alone(linked: Linked, part: OptionalPart) -> None:
    """No call leads into it, and no address but that of what initialises a module, in the list of them.

    All other pointers to it lie in data that only the part itself names.
    """
    rest = linked.without(part)
    python = linked.libraries[linked.python]
    slots = rest.left_out_slots - linked.left_out_slots
    functions = {index for place, index in rest.excluded - linked.excluded if place == linked.python}
    staying = [each for each in linked.kept if each not in rest.excluded]
    calling = [each for each in staying if each.library == linked.python]
    assert [each for each in calling if linked.references[each].calls & functions] == []
    takers = {
        python.function_names[each.local_index] for each in staying if linked.references[each].slots & slots
    }
    assert takers <= PART_CONSTANTS

    objects = linked.objects()
    live = objects.reachable(address for each in rest.staying for address in each.addresses)
    holders = {objects.containing(each.address) for each in linked.pointers if each.value in slots}
    assert holders & live == {_list_of_modules(linked)}
    entries = [each for each in linked.pointers if each.value in slots]
    listed = [each for each in entries if objects.containing(each.address) == _list_of_modules(linked)]
    assert {python.function_names[linked.addresses.table[each.value].local_index] for each in listed} == {
        f"PyInit_{module}" for module in part.modules
    }


def test_the_interpreter_observes_the_modules_of_optional_parts(host: WasmHost) -> None:
    """Those that nothing imported it forgets, and refuses later."""
    forgotten = ast.literal_eval(ask(host, "(__import__('_csv'), sorted(_reglet.forget_unused()))[1]"))
    assert sorted(["_csv", *forgotten]) == sorted(module for part in OPTIONAL for module in part.modules)
    assert "ModuleNotFoundError: No module named '_pickle': a built plugin has" in ask(
        host, "__import__('_pickle')"
    )
    assert ask(host, "__import__('_csv').__name__") == "'_csv'"


def test_left_out_data_is_not_read(linked: Linked) -> None:
    """No object that can be reached begins in it, and none reaches into it."""
    objects = linked.objects()
    live = objects.reachable(address for each in linked.staying for address in each.addresses)
    for start, end in linked.left_out_data:
        assert objects.containing(start) == start
        assert {each for each in live if start <= each < end} <= NO_ADDRESSES


def test_docstrings_that_are_left_out_are_nothing_else(linked: Linked) -> None:
    """No pointer leads into one, and no code that stays names an address in it."""
    ranges = list(descriptions(placed_data(linked.libraries, linked.addresses), linked.pointers))
    assert len(ranges) > 1300
    starts = [start for start, _ in ranges]

    def inside(address: int) -> bool:
        place = bisect_right(starts, address)
        return place > 0 and address < ranges[place - 1][1]

    assert [each for each in linked.pointers if inside(each.value)] == []
    named = {address for each in linked.staying for address in each.addresses}
    assert {each for each in named if inside(each)} == set()


ASKS_FOR_TYPES = {
    "PyAST_Check",
    "PyAST_mod2obj",
    "PyAST_obj2mod",
    "PyAst_CheckMode",
    "ast_repr_max_depth",
    "ast_type_init",
    "ast_type_reduce",
    "ast_type_replace",
    "astmodule_exec",
}
"""Each has the once-flag run `init_types` if it is not set, and goes on."""


def test_what_runs_once_is_run_through_a_flag_alone(linked: Linked) -> None:
    """Nobody calls it, no data points to it, and those that take its address give it to the flag."""
    python = linked.libraries[linked.python]
    [once] = [index for index, name in python.function_names.items() if name in RUN_ONCE]
    [slot] = [slot for slot, target in linked.addresses.table.items() if target == (linked.python, once)]
    flag = {index for index, name in python.function_names.items() if name == "_PyOnceFlag_CallOnceSlow"}
    staying = {each: linked.references[each] for each in linked.kept}
    assert [
        each for each, named in staying.items() if once in named.calls and each.library == linked.python
    ] == []
    assert [each for each in linked.pointers if each.value == slot] == []
    takers = {each for each, named in staying.items() if slot in named.slots}
    assert {python.function_names[each.local_index] for each in takers} == ASKS_FOR_TYPES
    assert all(staying[each].calls & flag for each in takers)


def test_the_other_allocator_is_chosen_at_the_start_alone(linked: Linked) -> None:
    """Of mimalloc only a constructor calls anything, and one table points to what only the start reads."""
    python = linked.libraries[linked.python]
    names = python.function_names
    mimalloc = {index for index, name in names.items() if name in OTHER_ALLOCATOR or "mi_" in name[:4]}
    others = {
        names[each.local_index]: linked.references[each]
        for each in linked.kept
        if each.library == linked.python and each.local_index not in mimalloc
    }
    slots = {
        slot: names[target.local_index]
        for slot, target in linked.addresses.table.items()
        if isinstance(target, Function) and target.library == linked.python and target.local_index in mimalloc
    }
    assert sorted(slots.values()) == sorted(OTHER_ALLOCATOR)
    assert {name for name, each in others.items() if each.calls & mimalloc} == {"__wasm_call_ctors"}
    assert {name for name, each in others.items() if each.slots & set(slots)} <= AST_CONSTANTS

    places = [each.address for each in linked.pointers if each.value in slots]
    table = range(min(places), max(places) + 1)
    assert [each for each in linked.pointers if each.value in table] == []
    readers = {name for name, each in others.items() if any(address in table for address in each.addresses)}
    assert readers == {"_PyMem_SetupAllocators"}
    [reader] = [index for index, name in names.items() if name in readers]
    assert {name for name, each in others.items() if reader in each.calls} == {"_PyPreConfig_Write"}


def test_numeric_values_are_those_of_cpython(linked: Linked, host: WasmHost) -> None:
    """The table says what CPython's own function does; and a guest finds each of them in it."""
    values = original_values(linked.libraries[linked.python])
    assert HEADER_FILE.read_text() == header(values)
    expected = {character: value for character, value in enumerate(values) if value != -1.0}
    assert len(expected) == 2002
    what = (
        "[(c, v) for c in range(0x110000) if (v := __import__('unicodedata').numeric(chr(c), -1.0)) != -1.0]"
    )
    answer = host.observe(json.dumps({"do": "evaluate", "what": what}).encode())
    assert dict(ast.literal_eval(answer.decode())) == expected


def ask(host: WasmHost, what: str) -> str:
    """Evaluate an expression in the guest."""
    return host.observe(json.dumps({"do": "evaluate", "what": what}).encode()).decode()


def test_the_interpreter_has_the_written_list(product: RuntimeProduct) -> None:
    """What is left out is not there; CPython's own modules that checks need are."""
    assert not EXCLUDED_MODULES & set(product.builtin_modules)
    assert len(product.builtin_modules) + len(EXCLUDED_MODULES) == 73
