"""The runtime module: CPython, libc and the adapter, linked into one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import wasmtime

from reglet.infrastructure.runtime import RuntimeModule
from reglet.infrastructure.wasm.module import read_signatures
from reglet.infrastructure.wasm.signatures import HostFunctionSlot
from tools.runtime import sources
from tools.runtime.excluded import EXCLUDED, OPTIONAL, OTHER_ALLOCATOR, RUN_ONCE
from tools.runtime.linker.link import LinkPlan, link
from tools.runtime.linker.read import LinkError, read_library
from tools.runtime.linker.resolve import Rules

if TYPE_CHECKING:
    from collections.abc import Mapping


ADAPTER = Path(__file__).with_name("adapter") / "adapter.wasm"
"""The adapter, built from the C files beside it."""

STACK_SIZE = 1 << 20
"""Bytes of stack. More costs time with every instance: 8 MiB took 50 ms on wazero."""

ROOM_SIZE = 1 << 14
"""Bytes: more than most configs and answers have."""

_TRAMPOLINE = "trampoline:"


def link_runtime(
    libraries: Mapping[str, bytes], adapter: bytes, *, debug_names: bool = False
) -> RuntimeModule:
    """Link the runtime from its pinned libraries.

    Raises:
        LinkError: they do not fit together.
    """
    ordered = [read_library(pinned.name, libraries[pinned.name]) for pinned in sources.LIBRARIES]
    ordered.append(read_library(sources.INTERFACE_LIBRARY, adapter))
    plan = LinkPlan(
        rules=Rules(sources.HOST_MODULES, sources.INTERFACE_LIBRARY, sources.TRAPS),
        exports=(*sources.PLUGIN_EXPORTS, *sources.BUILD_EXPORTS),
        lasting=sources.PLUGIN_EXPORTS,
        once=(*RUN_ONCE, *OTHER_ALLOCATOR),
        located=tuple(_TRAMPOLINE + name for name in sources.HOST_FUNCTIONS),
        excluded=EXCLUDED,
        optional=OPTIONAL,
        stack_size=STACK_SIZE,
        room_size=ROOM_SIZE,
        debug_names=debug_names,
    )
    linked = link(ordered, plan)
    refuse_invalid(linked.wasm)
    slots = {
        name: HostFunctionSlot(bit, linked.located[_TRAMPOLINE + name])
        for bit, name in enumerate(sources.HOST_FUNCTIONS)
    }
    return RuntimeModule(
        linked.wasm,
        linked.heap_base,
        plan.stack_size,
        range(linked.heap_base - plan.room_size, linked.heap_base),
        linked.constructors,
        slots,
        read_signatures(linked.wasm),
        linked.startup,
        {part.modules: functions for part, functions in zip(OPTIONAL, linked.optional, strict=True)},
    )


def refuse_invalid(wasm: bytes) -> None:
    """Validate a linked module as wazero will.

    Raises:
        LinkError: it is not a valid module, or uses what hosts do not have.
    """
    configuration = wasmtime.Config()
    configuration.wasm_bulk_memory = True
    configuration.wasm_multi_value = True
    configuration.wasm_reference_types = True
    configuration.wasm_simd = True
    configuration.wasm_exceptions = False
    configuration.wasm_function_references = False
    configuration.wasm_gc = False
    configuration.wasm_memory64 = False
    configuration.wasm_multi_memory = False
    configuration.wasm_relaxed_simd = False
    configuration.wasm_tail_call = False
    configuration.wasm_threads = False
    try:
        wasmtime.Module.validate(wasmtime.Engine(configuration), wasm)
    except wasmtime.WasmtimeError as error:
        raise LinkError(f"the linked module does not validate: {error}") from error
