"""`run TARGET`: one check, with the grants and the world that the arguments name."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from reglet.cli.command import Command
from reglet.cli.config_argument import add_config_argument, read_config
from reglet.cli.console import messages, show_plugin, show_result
from reglet.cli.errors import UsageError, require_extra
from reglet.cli.exit_status import status_of
from reglet.cli.grants_argument import add_grants_argument, choose_grants
from reglet.cli.places import place_of
from reglet.cli.targets import add_target_argument

if TYPE_CHECKING:
    from reglet.cli.places import Place
    from reglet.domain.entities.grants import GrantSet
    from reglet.domain.entities.manifest import ExampleManifest, Manifest
    from reglet.domain.entities.result import Result
    from reglet.domain.ports.host_functions import HostFunctions
    from reglet.infrastructure.host.host_call import HostCall


def _configure(parser: argparse.ArgumentParser) -> None:
    add_target_argument(parser)
    add_config_argument(parser)
    add_grants_argument(parser)
    parser.add_argument(
        "--example", metavar="NAME", help="take the config of the operation's example of this name"
    )
    parser.add_argument("--json", action="store_true", help="print the Result as JSON")
    parser.add_argument(
        "--explain", action="store_true", help="say of each host call what allowed or denied it"
    )
    world = parser.add_mutually_exclusive_group()
    world.add_argument(
        "--record", type=Path, metavar="FILE", help="write every host call and its answer to FILE"
    )
    world.add_argument("--replay", type=Path, metavar="FILE", help="answer host calls from a recording")


def _run(options: argparse.Namespace) -> int:
    require_extra("host", "run")
    place = place_of(options.target)
    manifest = place.manifest()
    show_plugin(manifest)
    config = _config(options, manifest)
    grants = choose_grants(options.grants, manifest, place.digest)
    result = _world(options, grants)(_Check(place, manifest, config, grants))
    if options.json:
        _print_json(result)
    else:
        show_result(result)
    return status_of(result)


@frozen
class _Check:
    """One check, ready but for the world that answers its host calls."""

    place: Place
    manifest: Manifest
    config: bytes
    grants: GrantSet

    def against(self, functions: HostFunctions) -> Result:
        return self.place.check(self.config, functions, self.grants)


def _config(options: argparse.Namespace, manifest: Manifest) -> bytes:
    if options.example is None:
        return read_config(options.config)
    if options.config != "{}":
        raise UsageError("--example brings its own config: leave out --config")
    service, operation, example = _example(manifest, options.example)
    routed = {**example.input, "service": service, "operation": operation}
    return json.dumps(routed, ensure_ascii=False).encode()


def _example(manifest: Manifest, name: str) -> tuple[str, str, ExampleManifest]:
    every = [
        (service.name, operation.name, example)
        for service in manifest.services.values()
        for operation in service.operations
        for example in operation.examples
    ]
    found = [triple for triple in every if triple[2].name == name]
    if len(found) == 1:
        return found[0]
    names = ", ".join(example.name for _, _, example in every) or "none"
    how = "no example has" if not found else "several operations have an example of"
    raise UsageError(f"--example {name}: {how} this name; there are: {names}")


def _world(options: argparse.Namespace, grants: GrantSet) -> Callable[[_Check], Result]:
    if options.replay is not None:
        return lambda check: _replayed(check, options.replay)
    if options.record is not None:
        return lambda check: _recorded(check, options, grants)
    return lambda check: check.against(_functions(options, grants))


def _functions(options: argparse.Namespace, grants: GrantSet) -> HostFunctions:
    from reglet.cli.native import native_functions

    return native_functions(grants, _explain if options.explain else None)


def _replayed(check: _Check, path: Path) -> Result:
    from reglet.testing.recording import Recording
    from reglet.testing.replay import Replay

    replay = Replay(Recording.load(path))
    result = check.against(replay)
    replay.assert_faithful()
    return result


def _recorded(check: _Check, options: argparse.Namespace, grants: GrantSet) -> Result:
    from reglet.testing.recording import Recorder

    recorder = Recorder(_functions(options, grants))
    result = check.against(recorder)
    recording = recorder.recording(plugin=check.manifest.name, config=json.loads(check.config))
    recording.save(options.record)
    return result


def _explain(call: HostCall) -> None:
    verdict = {
        True: f"allowed by {call.decision}",
        False: f"denied, missing {call.decision}",
        None: "not asked",
    }
    line = f"{call.name} {call.target}: {verdict[call.allowed]} ({call.seconds * 1000:.1f} ms)"
    messages().print(line, markup=False, soft_wrap=True)


def _print_json(result: Result) -> None:
    from reglet.infrastructure.wire.result import encode_result

    sys.stdout.write(encode_result(result).decode() + "\n")


COMMAND = Command("run", "run one check", _configure, _run)
