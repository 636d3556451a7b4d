"""How much a guest may take."""

from __future__ import annotations

from datetime import timedelta

from attrs import asdict, frozen

from reglet.infrastructure.wasm.limits import MIB


@frozen
class Limits:
    """How much a guest may take of the host, each for one call unless said otherwise.

    Attributes:
        memory: bytes of linear memory; a guest that asks for more gets none.
        wall_time: from the call to its answer: the wait for a place among `instances`, the start of the
            guest and the reading of its answer included.
        fuel: about the number of instructions, None for no such limit. A limit makes the module compile
            anew and run slower, but stops every run at the same instruction.
        request_bytes: a config, or the request of a host call (ABI section 1: 1 MB).
        response_bytes: the answer to a host call: 10 MB of body in base64, and its headers.
        result_bytes: a Result or a Manifest.
        output_bytes: what is kept of stdout and of stderr; the rest is dropped.
        written_bytes: what is written to granted files, or by how much they grow where that is more (a sparse
            file counts whole), and 4 KiB for each file opened for writing and each directory made. A guest
            that goes on gets an I/O error, as on a full disk.
        host_calls: calls of host functions, log messages not counted.
        log_messages: log messages that are passed on; the rest is dropped.
        result_values: values in the JSON of a Result or a Manifest.
        compile_time: for compiling a module of other code than this SDK's plugins share, once a machine.
        compile_memory: bytes that compiling it may take; on Windows time alone is limited.
        instances: guests alive at one moment in one sandbox; more calls wait.
    """

    memory: int = 256 * MIB
    wall_time: timedelta = timedelta(seconds=60)
    fuel: int | None = None
    request_bytes: int = MIB
    response_bytes: int = 16 * MIB
    result_bytes: int = 16 * MIB
    result_values: int = 500_000
    output_bytes: int = MIB
    written_bytes: int = 64 * MIB
    host_calls: int = 1_000
    log_messages: int = 1_000
    compile_time: timedelta = timedelta(seconds=60)
    compile_memory: int = 1024 * MIB
    instances: int = 16

    def __attrs_post_init__(self) -> None:
        """Refuse a limit of nothing."""
        for name, value in asdict(self).items():
            size = value.total_seconds() if isinstance(value, timedelta) else value
            if size is not None and size <= 0:
                raise ValueError(f"Limits.{name} must be more than nothing, not {value}")
