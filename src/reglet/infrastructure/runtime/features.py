"""What a module may use: the features of WebAssembly that wazero, the hosts' engine, has switched on."""

from __future__ import annotations

import wasmtime

from reglet.infrastructure.runtime.linker.errors import LinkError


def refuse_invalid(wasm: bytes) -> None:
    """Validate a linked module as wazero will.

    Raises:
        LinkError: it is not a valid module, or uses what hosts do not have.
    """
    try:
        wasmtime.Module.validate(_engine(), wasm)
    except wasmtime.WasmtimeError as error:
        raise LinkError(f"the linked module does not validate: {error}") from error


def _engine() -> wasmtime.Engine:
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
    return wasmtime.Engine(configuration)
