"""What a module exports: a plugin's manifest and checks as bytes, whatever goes wrong."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import re
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from time import time_ns

from attrs import evolve

from reglet.application import __version__
from reglet.application.logging import (
    LogRedirect,
    RunningCheck,
    current_check,
    redirect_logging,
    running_check,
)
from reglet.application.plugin import NO_VERSION
from reglet.application.results import author_traceback, one_line, redacted, refused_looks, result_of_error
from reglet.domain.context import Context
from reglet.domain.entities.manifest import Manifest
from reglet.domain.entities.records import LogMessage
from reglet.domain.entities.result import Result, RunMetadata, result_error
from reglet.domain.errors import MemoryLimitError, WireFormatError
from reglet.domain.ports import HostFunctions, Plugin
from reglet.domain.time import EPOCH, ZERO_TIME
from reglet.infrastructure.guest.clients import HostLogSink, host_clients
from reglet.infrastructure.wire.exports import (
    DESCRIPTION,
    LEGACY_RESULT,
    MANIFEST,
    RESULT,
    encode_check,
    encode_schema,
    run_text,
)

_INTERRUPTS = () if sys.platform == "wasi" else (KeyboardInterrupt,)
"""What is passed on: a person's Ctrl-C, which there is none of in a module."""


class Exports:
    """Answers a host's calls of one plugin. Nothing is raised, but `KeyboardInterrupt` outside of a module.

    In process, with any `HostFunctions`, it behaves as it does in a module otherwise. What the plugin logs
    goes to the host's log, and what it prints too if `streams`, as in a module, where nobody sees it else.
    """

    def __init__(
        self,
        plugin: Plugin,
        functions: HostFunctions,
        *,
        streams: bool = sys.platform == "wasi",
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        """Take the plugin, the seam that its clients and its log use, and the clock of its contexts."""
        self._plugin = plugin
        self._log = HostLogSink(functions)
        self._streams = streams
        self._redirect: LogRedirect | None = None
        self._context = Context(clients=host_clients(functions), clock=clock)
        self._running = RunningCheck(self._context)
        self._looks = refused_looks
        self._known_name: str | None = None
        self._run = ""

    def keep_log(self) -> None:
        """Install the log now and for good, with what else every check needs; a module does nothing else."""
        self._redirect = LogRedirect(self._log, permanent=True)
        self._redirect.install()
        running_check.set(self._running)
        self._run = run_text(__version__, self._name)

    def restore_log(self) -> None:
        """Leave logs and streams as they were before `keep_log`."""
        if self._redirect is not None:
            self._redirect.restore()
            self._redirect = None
            running_check.set(None)

    def manifest(self) -> bytes:
        """Return the Manifest; one that cannot be made says so in its description, and in the log."""
        return self._described(MANIFEST.encode)

    def describe(self) -> bytes:
        """Return what the older app asks for by `describe`."""
        return self._described(DESCRIPTION.encode)

    def schema(self) -> bytes:
        """Return the config schema, which the older app asks for."""
        return self._described(encode_schema)

    def observe(self, config: bytes) -> bytes:
        """Return the Result of a check with a JSON config, with its time and metadata."""
        return self._checked(config, Exports._encoded)

    def legacy_observe(self, config: bytes) -> bytes:
        """Return the Result in the older app's form."""
        return self._checked(
            config, lambda _, result, start: LEGACY_RESULT.encode(self._stamped(result, start))
        )

    def answer(self, entry: str, payload: bytes) -> bytes:
        """Answer an export by the name of its entry: the runtime passes every call of a host on so."""
        return _ANSWERS[entry](self, payload)

    def _described(self, encode: Callable[[Manifest], bytes]) -> bytes:
        try:
            with self._logging:
                return encode(self._manifest())
        except _INTERRUPTS:
            raise
        except BaseException as error:  # noqa: BLE001 - nothing escapes to the host
            # it says why there is none; hosts take an error for an empty one (ABI 6)
            text = f"This plugin cannot describe itself: {one_line(error)}"
            message = LogMessage("ERROR", f"{text}\n{author_traceback(error)}", timestamp=datetime.now(UTC))
            with contextlib.suppress(Exception):  # the description still says it
                self._log.write(message)
            name = self._declared_name or "unknown"
            return encode(Manifest(name, NO_VERSION, text, __version__, config_schema={}))

    def _manifest(self) -> Manifest:
        manifest = self._plugin.manifest(self._context)
        if not isinstance(manifest, Manifest):
            kind = type(manifest).__name__
            raise TypeError(f"manifest() must return a reglet.Manifest, not a {kind}")
        self._known_name = manifest.name
        return manifest

    @property
    def _logging(self) -> LogRedirect:
        return self._redirect or redirect_logging(self._log, streams=self._streams)

    def _checked(self, config: bytes, encode: Callable[[Exports, Result, int], bytes]) -> bytes:
        start = time_ns() // 1000
        token = None if current_check() is self._running else running_check.set(self._running)
        try:
            self._looks.begin(config)
            with self._redirect or self._logging:
                result = self._plugin.check(self._context, config)
                if not isinstance(result, Result):
                    kind = type(result).__name__
                    result = _result_of(TypeError(f"check() must return a reglet.Result, not a {kind}"))
                judged = self._looks.judged(result if result.error is None else _with_advice(result))
                if judged is not result and (check := current_check()):
                    judged = redacted(judged, check.redaction)
                return encode(self, judged, start)
        except _INTERRUPTS:
            raise
        except BaseException as error:  # noqa: BLE001 - nothing escapes to the host
            return encode(self, self._looks.judged(_result_of(error)), start)
        finally:
            if token is not None:
                running_check.reset(token)
            elif current_check() is not self._running:  # it had secrets, which nothing is to hold now
                running_check.set(self._running)

    def _encoded(self, result: Result, start: int) -> bytes:
        end = time_ns() // 1000
        if result.metadata is not None or result.timestamp is not ZERO_TIME:
            return RESULT.encode(self._stamped(result, start))
        if not self._run:
            self._run = run_text(__version__, self._name)
        return encode_check(result, start, end, self._run)

    def _stamped(self, result: Result, start: int) -> Result:
        own, started, ended = result.metadata, EPOCH + timedelta(microseconds=start), datetime.now(UTC)
        if own is None:
            run = RunMetadata.between(started, ended, sdk_version=__version__, plugin_id=self._name)
        else:
            run = evolve(
                own, sdk_version=own.sdk_version or __version__, plugin_id=own.plugin_id or self._name
            )
        timestamp = ended if result.timestamp == ZERO_TIME else result.timestamp
        return Result(result.status, result.message, result.data, result.error, run, timestamp)

    @property
    def _declared_name(self) -> str:
        name = getattr(self._plugin, "name", None)
        return name if isinstance(name, str) else ""

    @property
    def _name(self) -> str:
        """The plugin's name, as its manifest says unless it carries it itself; asked for once."""
        if self._known_name is None:
            self._known_name = self._declared_name
            if not self._known_name:
                with contextlib.suppress(Exception, SystemExit, GeneratorExit):  # it is asked for elsewhere
                    self._manifest()
        return self._known_name


_OF_THE_BUILD = re.compile(r"No such file or directory: '(/plugin|/packages)/")


def _with_advice(result: Result) -> Result:
    """Return a Result that says, of a file beside the plugin's code, why a built plugin has it not."""
    error = result.error
    if sys.platform != "wasi" or error is None or not _OF_THE_BUILD.search(error.message):
        return result
    advice = "a built plugin has only what it read at import: read it at the top of the module"
    return evolve(result, error=evolve(error, message=f"{error.message}; {advice}"))


def _result_of(error: BaseException) -> Result:
    """Return the Result of what was raised; running out of memory is no bug (ABI section 1).

    Data that has no form in JSON is one.
    """
    if isinstance(error, MemoryError):
        detail = MemoryLimitError().detail()
        return result_error(evolve(detail, message=f"out of memory: {one_line(error)}"))
    if isinstance(error, WireFormatError):
        return result_error(evolve(error.detail(), type="panic"))
    return result_of_error(error)


_ANSWERS: Mapping[str, Callable[[Exports, bytes], bytes]] = {
    "manifest": lambda exports, _: exports.manifest(),
    "describe": lambda exports, _: exports.describe(),
    "schema": lambda exports, _: exports.schema(),
    "observe": Exports.observe,
    "legacy_observe": Exports.legacy_observe,
}


_SEED_BYTES = 32
"""As much as a key has. `random.seed()` would take 2,500, which cost a quarter of a module's first call."""


def reseed() -> None:
    """Take the random seed from the host that runs the plugin."""
    random.seed(int.from_bytes(os.urandom(_SEED_BYTES)))


def restart_clock() -> None:
    """Take the time when logging began, from which `LogRecord.relativeCreated` counts, from the host."""
    logging.__dict__["_startTime"] = time_ns()
