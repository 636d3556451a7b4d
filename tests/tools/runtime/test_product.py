"""The product: what is in it, that it is made the same each time, and what is said when it is not there."""

from __future__ import annotations

import json
import zipfile
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from reglet.infrastructure.runtime import (
    PRODUCT_FOLDER,
    RuntimeProduct,
    load_product,
)
from reglet.infrastructure.wasm.module import read_plugin
from reglet.infrastructure.wasm.sections import SectionId, read_sections
from reglet.infrastructure.wasm.signatures import SizeLimits
from reglet.infrastructure.wasm.snapshot import without_host_functions
from tests.tools.runtime.wasm_host import WasmHost
from tools.runtime.core import ADAPTER, link_runtime, refuse_invalid
from tools.runtime.excluded import OTHER_ALLOCATOR, RUN_ONCE
from tools.runtime.linker.code import LARGE
from tools.runtime.linker.instructions import Operation, called_function, scan_body, set_global
from tools.runtime.linker.module import parse_module
from tools.runtime.make import is_up_to_date, make_product
from tools.runtime.sources import WheelError, fetched_extension, linux_extension, take_parts

TRAP = b"\0\0\x0b"

if TYPE_CHECKING:
    from pathlib import Path


def test_the_product_is_of_this_code() -> None:
    """`make runtime` was run since the linker, the adapter or a pin changed."""
    assert is_up_to_date()


def test_the_module_is_what_hosts_take(product: RuntimeProduct) -> None:
    """Its exports are the ABI's and the build's, its imports the hosts' alone, its memory small."""
    refuse_invalid(product.module.wasm)
    module = read_plugin(product.module.wasm)
    assert {each.module for each in module.imports} == {"wasi_snapshot_preview1", "reglet_host"}
    assert module.exported_functions == {
        *product.plugin_exports,
        *product.module.constructors,
        "_python_initialize",
        "_run",
        "_keep_objects",
        "_forget_process_state",
        "_declare_host_functions",
    }
    assert module.memory == SizeLimits(-(-product.module.heap_base // 65536))
    assert len(product.module.wasm) < 6_500_000


def test_what_a_plugin_leaves_out_is_called_by_nothing_that_it_keeps(product: RuntimeProduct) -> None:
    """No call, no pointer and no export that a plugin has leads to a function that runs at startup alone.

    Pointers lead to those that run once and to the other allocator; the tests of what is lean prove them dead.
    """
    wasm = product.module.wasm
    module = parse_module(wasm)
    code = next(each for each in read_sections(wasm) if each.id is SectionId.CODE)
    imported = len(module.function_imports)
    ends = {end for _, end in product.module.startup}
    places = {place for place, body in enumerate(module.bodies) if body.end - code.start in ends}
    left_out = {imported + place for place in places}

    called = {
        called_function(piece)
        for place, body in enumerate(module.bodies)
        if place not in places
        for operation, piece in scan_body(wasm, body)
        if operation in (Operation.CALL, Operation.REFERENCE)
    }
    assert len(left_out) == len(product.module.startup) > 200
    assert not left_out & called
    pointed = {index for segment in module.elements for index in segment.functions}
    equal = 4  # of mimalloc's functions for objects, to those for memory
    assert len(left_out & pointed) == len(RUN_ONCE) + len(OTHER_ALLOCATOR) - equal
    assert not left_out & {module.exported[name].index for name in product.plugin_exports}
    assert sum(end - start for start, end in product.module.startup) > 310_000


def test_all_that_its_code_changes_is_memory_and_the_stack_pointer(product: RuntimeProduct) -> None:
    """So a guest is as new once these are.

    `scan_body` refuses what else changes something: `table.set`, `table.grow`, `memory.init`, `data.drop`.
    """
    wasm = product.module.wasm
    module = parse_module(wasm)
    changed = {
        set_global(piece)
        for body in module.bodies
        for operation, piece in scan_body(wasm, body)
        if operation is Operation.GLOBAL_SET
    }
    assert changed == {0}
    assert len(module.globals) == 1


def test_large_functions_are_last(product: RuntimeProduct) -> None:
    """Hosts compile a quarter faster; only traps follow. Indices were padded when the sizes were taken."""
    sizes = [body.end - body.start for body in parse_module(product.module.wasm).bodies]
    first = next(place for place, size in enumerate(sizes) if size > LARGE)
    large = [size for size in sizes[first:] if size > len(TRAP)]
    assert min(large) > LARGE // 2
    assert large[-1] == max(sizes)
    assert first > 0.97 * len(sizes)


def test_the_standard_library_is_compiled_and_whole(product: RuntimeProduct) -> None:
    """Sourceless `.pyc` files in a stored zip, sorted."""
    with zipfile.ZipFile(product.stdlib) as archive:
        names = archive.namelist()
        assert archive.testzip() is None
    assert names == sorted(names)
    assert {"python/json/__init__.pyc", "python/encodings/idna.pyc", "python/_strptime.pyc"} <= set(names)
    assert not [each for each in names if not each.endswith(".pyc") or "/test/" in each]


def test_an_absent_product_is_not_up_to_date(tmp_path: Path) -> None:
    """A clone before `make runtime`."""
    assert not is_up_to_date(tmp_path)


def test_host_functions_that_are_not_declared_are_not_imported(product: RuntimeProduct) -> None:
    """The rest of the module stays byte for byte in its place, and the guest is told None."""
    runtime = product.module.wasm
    dropped = [name for name in product.module.host_functions if name != "exec_command"]
    module = without_host_functions(runtime, product.module.host_functions, dropped)
    refuse_invalid(module)
    assert read_plugin(module).imported_functions("reglet_host") == ("exec_command", "log_message")
    before, after = parse_module(runtime), parse_module(module)
    changed = [
        place
        for place, (one, two) in enumerate(zip(before.bodies, after.bodies, strict=True))
        if runtime[one.start : one.end] != module[two.start : two.end]
    ]
    assert len(changed) == len(dropped)
    assert [each.functions for each in before.elements] == [each.functions for each in after.elements]


def test_an_undeclared_host_function_answers_none(network_plugin: bytes) -> None:
    """The SDK makes the capability error of it, which names the grant."""
    with closing(WasmHost(network_plugin, {"dns_lookup": lambda _: b"{}"}, whole=True)) as host:
        config = {"do": "call", "name": "http_request", "request": "{}"}
        assert host.observe(json.dumps(config).encode()) == b"None"
        assert host.observe(json.dumps({**config, "name": "dns_lookup"}).encode()) == b"b'{}'"


def test_debug_names_change_nothing_else(product: RuntimeProduct) -> None:
    """With names the module is the same one, and says who is who."""
    parts = take_parts(linux_extension())
    named = link_runtime(parts.libraries, ADAPTER.read_bytes(), debug_names=True)
    assert named.wasm.startswith(product.module.wasm)
    assert b"_PyEval_EvalFrameDefault" in named.wasm[len(product.module.wasm) :]


def test_another_wheel_is_refused() -> None:
    """The libraries are found by their digests alone."""
    with pytest.raises(
        WheelError, match=r"not the Linux wheel of componentize-py 0\.25\.1: libc\.so, .* not found in it"
    ):
        take_parts(b"\x7fELF" + bytes(1000) + b"\x28\xb5\x2f\xfd and no frame")


@pytest.mark.long
def test_two_makes_give_the_same_bytes(product: RuntimeProduct, tmp_path: Path) -> None:
    """The product of this tree, made again elsewhere."""
    make_product(tmp_path, progress=lambda _line: None)
    for name in ("runtime.wasm", "stdlib.zip", "runtime.json"):
        assert (tmp_path / name).read_bytes() == (PRODUCT_FOLDER / name).read_bytes()
    assert load_product(tmp_path).key == product.key
    assert not list(tmp_path.glob(".*"))


@pytest.mark.long
def test_the_committed_adapter_is_built_from_its_source() -> None:
    """The C files and the pinned compiler give the same bytes."""
    pytest.importorskip("ziglang", reason="the compiler is in the adapter dependency group")
    from tools.runtime.adapter.build import build_adapter

    assert build_adapter() == ADAPTER.read_bytes()


@pytest.mark.long
def test_pip_fetches_the_linux_wheel() -> None:
    """What other systems' builds are made of has the pinned parts."""
    assert take_parts(fetched_extension()) == take_parts(linux_extension())
