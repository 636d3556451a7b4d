"""`run TARGET`: one check, with the grants and the host calls that the arguments name."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from reglet.cli.command import Command, ExitStatus, UsageError, require_extra, status_of
from reglet.cli.config_argument import (
    add_config_argument,
    add_example_argument,
    example_config,
    example_with_answers,
    read_config,
    warn_of_unknown_fields,
)
from reglet.cli.console import messages, plugin_output, show_result
from reglet.cli.grants_argument import add_grants_argument, choose_grants, show_plugin
from reglet.cli.targets import add_target_argument, load_target

if TYPE_CHECKING:
    from reglet.cli.targets import LoadedPlugin
    from reglet.domain.entities.grants import GrantSet
    from reglet.domain.entities.manifest import Manifest
    from reglet.domain.entities.result import Result
    from reglet.domain.ports import HostFunctions
    from reglet.infrastructure.host.events import HostCallEvent
    from reglet.testing.examples import ExampleCase


def _configure(parser: argparse.ArgumentParser) -> None:
    add_target_argument(parser)
    add_config_argument(parser)
    add_grants_argument(parser)
    add_example_argument(parser)
    parser.add_argument("--json", action="store_true", help="print the Result as JSON")
    parser.add_argument(
        "--explain",
        action="store_true",
        help="say of each host call, and of a file that was refused, what allowed or denied it",
    )
    recording = parser.add_mutually_exclusive_group()
    recording.add_argument(
        "--record", type=Path, metavar="FILE", help="write every host call and its answer to FILE"
    )
    recording.add_argument("--replay", type=Path, metavar="FILE", help="answer host calls from a recording")


def _run(options: argparse.Namespace) -> int:
    require_extra("build", "run")  # a client's package is asked for when the plugin uses it
    if options.example is not None and options.config != "{}":
        raise UsageError("--example brings its own config: leave out --config")
    given = read_config(options.config)
    plugin = load_target(options.target)
    manifest = plugin.manifest()
    show_plugin(manifest)
    example = options.example and example_with_answers(plugin, options.example)
    if example:
        return _run_example(example, options)
    config = given if options.example is None else example_config(manifest, options.example)
    warn_of_unknown_fields(config, manifest)
    check = _Check(plugin, manifest, config, choose_grants(options.grants, manifest, plugin))
    if options.replay is not None:
        return _replay(check, options)
    return _show(
        _recorded(check, options) if options.record else check.against(_functions(check, options)), options
    )


def _run_example(example: ExampleCase, options: argparse.Namespace) -> int:
    from reglet.testing.examples import ExampleFailed, run_example

    try:
        with plugin_output():
            result = run_example(example)
    except ExampleFailed as difference:
        sys.stdout.write(f"{difference}\n")
        return ExitStatus.FAILURE
    return _show(result, options)


def _show(result: Result, options: argparse.Namespace) -> int:
    if options.explain:
        _explain_files(result)
    if options.json:
        from reglet.infrastructure.wire.result import RESULT

        sys.stdout.write(RESULT.encode(result).decode() + "\n")
    else:
        show_result(result)
    return status_of(result)


@frozen
class _Check:
    """One check, ready but for what answers its host calls."""

    plugin: LoadedPlugin
    manifest: Manifest
    config: bytes
    grants: GrantSet

    def secrets(self) -> list[str]:
        from reglet.testing.masking import known_secrets

        return known_secrets(self.config, getattr(self.plugin, "definition", None))

    def against(self, functions: HostFunctions) -> Result:
        return self.plugin.check(self.config, functions, self.grants)


def _functions(check: _Check, options: argparse.Namespace) -> HostFunctions:
    from reglet.cli.console import StderrLog
    from reglet.sandbox import native_functions

    observer = _explain if options.explain else None
    return native_functions(check.grants, log=StderrLog(), observer=observer)


def _replay(check: _Check, options: argparse.Namespace) -> int:
    from reglet.testing.recording import Recording, Replay, ReplayMismatchError

    replay = Replay(Recording.load(options.replay), secrets=check.secrets())
    try:
        result = check.against(replay)
        replay.assert_faithful()
    except ReplayMismatchError as difference:
        sys.stdout.write(f"{difference}\n")
        return ExitStatus.FAILURE
    if replay.note:
        messages().print(replay.note, markup=False, soft_wrap=True)
    return _show(result, options)


def _recorded(check: _Check, options: argparse.Namespace) -> Result:
    from reglet.testing.recording import Recorder

    recorder = Recorder(_functions(check, options), secrets=check.secrets())
    result = check.against(recorder)
    recording = recorder.recording(plugin=check.manifest.name, config=json.loads(check.config))
    recording.save(options.record)
    return result


def _explain(call: HostCallEvent) -> None:
    verdict = {
        True: f"allowed by {call.decision}",
        False: f"denied, missing {call.decision}",
        None: "not asked",
    }
    line = f"{call.name} {call.target}: {verdict[call.allowed]} ({call.seconds * 1000:.1f} ms)"
    messages().print(line, markup=False, soft_wrap=True)


def _explain_files(result: Result) -> None:
    """Say of a file that was asked for in vain what is missing; files are no host calls."""
    missing = result.error.code if result.error is not None and result.error.type == "capability" else ""
    if missing.startswith("fs:"):
        _, operation, path = missing.split(":", 2)
        messages().print(f"{operation} {path}: denied, missing {missing}", markup=False, soft_wrap=True)


COMMAND = Command("run", "run one check", _configure, _run, unexpected=ExitStatus.ERROR)
