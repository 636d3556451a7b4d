"""The runtime module: CPython, libc and the adapter, linked into one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from reglet.infrastructure.module.host_functions import HostFunctionSlot
from reglet.infrastructure.runtime import sources
from reglet.infrastructure.runtime.features import refuse_invalid
from reglet.infrastructure.runtime.lean import LEFT_OUT
from reglet.infrastructure.runtime.linker.link import LinkPlan, link
from reglet.infrastructure.runtime.linker.read import read_library
from reglet.infrastructure.runtime.linker.resolve import Rules

if TYPE_CHECKING:
    from collections.abc import Mapping

ADAPTER = Path(__file__).with_name("adapter") / "adapter.wasm"
"""The adapter, built from the C files beside it."""

STACK_SIZE = 1 << 20
"""Bytes of stack. More costs time with every instance: 8 MiB took 50 ms on wazero."""

_TRAMPOLINE = "trampoline:"


@frozen
class CoreRuntime:
    """The linked module. Addresses are in bytes."""

    wasm: bytes = field(repr=False)
    heap_base: int
    stack_size: int
    constructors: tuple[str, ...]
    host_functions: Mapping[str, HostFunctionSlot]


def link_runtime(libraries: Mapping[str, bytes], adapter: bytes, *, debug_names: bool = False) -> CoreRuntime:
    """Link the runtime from its pinned libraries.

    Raises:
        LinkError: they do not fit together.
    """
    ordered = [read_library(pinned.name, libraries[pinned.name]) for pinned in sources.LIBRARIES]
    ordered.append(read_library(sources.INTERFACE_LIBRARY, adapter))
    plan = LinkPlan(
        rules=Rules(sources.HOST_MODULES, sources.INTERFACE_LIBRARY, sources.TRAPS),
        exports=(*sources.PLUGIN_EXPORTS, *sources.BUILD_EXPORTS),
        located=tuple(_TRAMPOLINE + name for name in sources.HOST_FUNCTIONS),
        left_out=LEFT_OUT,
        stack_size=STACK_SIZE,
        debug_names=debug_names,
    )
    linked = link(ordered, plan)
    refuse_invalid(linked.wasm)
    slots = {
        name: HostFunctionSlot(bit, linked.located[_TRAMPOLINE + name])
        for bit, name in enumerate(sources.HOST_FUNCTIONS)
    }
    return CoreRuntime(linked.wasm, linked.heap_base, plan.stack_size, linked.constructors, slots)
