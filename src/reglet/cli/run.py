"""`run TARGET`: checks, with the grants and the host calls that the arguments name."""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import evolve, field, frozen

from reglet.cli.arguments import (
    InProcessPlugin,
    LoadedPlugin,
    NamedConfig,
    example_config,
    example_with_answers,
    load_target,
    read_configs,
)
from reglet.cli.command import (
    FILE,
    TARGET_HELP,
    Command,
    ExitStatus,
    UsageError,
    require_extra,
    status_of,
)
from reglet.cli.console import (
    MARKS,
    StderrLog,
    plugin_output,
    show_plugin,
    show_result,
    width_of,
    without_secrets,
    write_file,
    write_line,
    write_message,
    write_table,
    write_warning,
)
from reglet.cli.grants import capability_lines, choose_grants, denied_grants, grants_json
from reglet.cli.reports import Entry, Format, format_options, write_report
from reglet.domain.entities.grants import GrantSet

if TYPE_CHECKING:
    from reglet.domain.entities.manifest import Manifest
    from reglet.domain.entities.result import Result
    from reglet.domain.ports import HostFunctions
    from reglet.infrastructure.host.dispatcher import HostCallEvent
    from reglet.sandbox import Dialect
    from reglet.testing.plugintest import ExampleCase
    from reglet.testing.runners import Runner
    from reglet.testing.usage import Usage


_FILE_RULE = re.compile(r"; add (\{.*\}) to fs\.rules")
_MOST_BAR_WIDTH = 36
_BAR_LABELS_WIDTH = 20


@click.command(cls=Command, epilog=TARGET_HELP)
@click.argument("target", metavar="TARGET")
@click.option(
    "--config",
    "configs",
    multiple=True,
    metavar="JSON|@FILE|-",
    help="The check's config: a JSON object, @FILE with JSON, YAML or TOML, or - for stdin. Given again, or "
    "as a folder @FOLDER, a check for each.",
)
@click.option(
    "--grants",
    metavar="ask|declared|none|@FILE",
    help="What the run may reach: ask about each rule (the default on a terminal), all that the plugin "
    "declares, nothing (the default elsewhere), or the grants in a file of JSON, YAML or TOML.",
)
@click.option(
    "--example",
    metavar="NAME",
    help="Run the example of this name: in process against its own answers if it has any and nothing is said "
    "of the host (grants, recordings, dialect, --explain, --reuse), else with its config.",
)
@format_options
@click.option(
    "--explain",
    is_flag=True,
    help="Say of each host call, file and variable what allowed or denied it.",
)
@click.option(
    "--dialect",
    type=click.Choice(["abi", "hostlib", "app", "older"]),
    default="abi",
    help="The host to be like: one of the ABI, the Go host SDK, the newer Reglet app, or the older one, "
    "which calls other exports of a module (default: abi).",
)
@click.option(
    "--reuse",
    is_flag=True,
    help="Run each check again in an instance that has run it before, as some hosts do, and fail where it "
    "answers otherwise.",
)
@click.option("--write-grants", type=FILE, metavar="FILE", help="Write the least grants that the run needed.")
@click.option("--record", type=FILE, metavar="FILE", help="Write every host call and its answer to FILE.")
@click.option("--replay", type=FILE, metavar="FILE", help="Answer host calls from a recording.")
def run(
    target: str,
    configs: tuple[str, ...],
    grants: str | None,
    example: str | None,
    output_format: Format,
    explain: bool,
    dialect: str,
    reuse: bool,
    write_grants: Path | None,
    record: Path | None,
    replay: Path | None,
) -> int:
    """Run a check, or several."""
    require_extra("build", "run")  # a client's package is asked for when the plugin uses it
    if example is not None and configs:
        raise UsageError("--example brings its own config: leave out --config")
    if record and replay:
        raise UsageError("--record and --replay exclude each other: leave out one")
    named = read_configs(configs)
    if len(named) > 1 and (record or replay):
        raise UsageError("a recording is of one check: give --config once with --record and --replay")
    plugin = load_target(target)
    manifest = plugin.manifest()
    show_plugin(
        manifest.name, manifest.version, manifest.description, capability_lines(manifest.capabilities)
    )
    of_the_host = (grants, record, replay, write_grants, explain, reuse, dialect != "abi")
    if example is not None and not any(of_the_host) and (case := example_with_answers(plugin, example)):
        return _run_example(case, output_format)
    if example is not None:
        named = [example_config(manifest, example)]
    from reglet.application.models.config_warnings import config_warnings

    schema = manifest.config_schema or {}
    each_config = (config_warnings(json.loads(config.content), schema) for config in named)
    warnings = dict.fromkeys(chain.from_iterable(each_config))
    for warning in warnings:
        write_warning(warning)
    from reglet.sandbox import Dialect
    from reglet.testing.runners import DifferenceError

    granted, host = choose_grants(grants, manifest, plugin), Dialect(dialect)
    with plugin.runner(granted, host) as once:
        runner: Runner = once
        if reuse:
            from reglet.testing.reuse import ReusingRunner

            runner = ReusingRunner(once)
        session = _Session(
            plugin, runner, manifest, granted, host, explain, record, replay, StderrLog(warnings)
        )
        try:
            outcomes = session.outcomes(named)
        except DifferenceError as difference:
            return _report_difference(named[0].name, str(difference), output_format)
    if write_grants is not None:
        write_file(write_grants, (grants_json(session.needed()) + "\n").encode())
    return _report(outcomes, output_format, [] if grants == "declared" else session.denials())


@frozen(eq=False, repr=False)
class _Outcome:
    """How one check ended, and the secrets that what is shown of it must not hold."""

    name: str
    result: Result
    seconds: float
    secrets: list[str]


def _run_example(example: ExampleCase, output_format: Format) -> int:
    from reglet.testing.plugintest import ExampleFailed, run_example

    started = time.perf_counter()
    try:
        with plugin_output():
            result = run_example(example)
    except ExampleFailed as difference:
        return _report_difference(f"example {example.id}", str(difference), output_format)
    return _report([_Outcome(example.name, result, time.perf_counter() - started, [])], output_format, [])


@frozen(eq=False, repr=False)
class _Session:
    """The checks of one call: what they run against, and what they touched and were refused."""

    plugin: LoadedPlugin
    runner: Runner
    manifest: Manifest
    grants: GrantSet
    dialect: Dialect
    explain: bool
    record: Path | None
    replay: Path | None
    log: StderrLog
    events: list[HostCallEvent] = field(factory=list)
    usages: list[Usage] = field(factory=list)

    def outcomes(self, configs: list[NamedConfig]) -> list[_Outcome]:
        """Run a check for each config. Raises what a replay or a reused instance raises where it differs."""
        if isinstance(self.plugin, InProcessPlugin):
            write_message("in process: files and environment are not sandboxed", dim=True)
        if len(configs) == 1 or not sys.stderr.isatty():
            return [self._outcome(config) for config in configs]
        width = min(_MOST_BAR_WIDTH, width_of(sys.stderr) - _BAR_LABELS_WIDTH)
        with click.progressbar(configs, label="checks", file=sys.stderr, width=width) as shown:
            return [self._outcome(config) for config in shown]

    def _outcome(self, config: NamedConfig) -> _Outcome:
        from reglet.testing.masking import known_secrets
        from reglet.testing.usage import usage_recorded

        definition, schema = getattr(self.plugin, "definition", None), self.manifest.config_schema
        secrets = known_secrets(config.content, definition, schema=schema)
        started, first = time.perf_counter(), len(self.events)
        with usage_recorded() as usage, plugin_output():
            if self.replay is not None:
                from reglet.testing.recording import Recording, Replay

                replay = Replay(Recording.load(self.replay), secrets=secrets)
                result = self.runner.check(replay, config.content)
                replay.assert_faithful()
                if replay.note:
                    write_message(replay.note)
            elif self.record is not None:
                from reglet.testing.recording import Recorder

                recorder = Recorder(self._functions(), secrets=secrets)
                result = self.runner.check(recorder, config.content)
                recording = recorder.recording(plugin=self.manifest.name, config=json.loads(config.content))
                recording.save(self.record)
            else:
                result = self.runner.check(self._functions(), config.content)
        seconds = time.perf_counter() - started
        if result.error is not None and result.error.type == "capability":
            # a guest that has no directory at all refuses a path by itself, and nobody notes it
            named = _FILE_RULE.search(result.error.message)
            with suppress(ValueError):
                rule = json.loads(named[1]) if named else {}
                for name, paths in (("read", usage.reads), ("write", usage.writes)):
                    paths.update(path for path in rule.get(name, ()) if isinstance(path, str))
        self.usages.append(usage)
        if self.explain:
            self._explain(self.events[first:], usage, secrets)
        return _Outcome(config.name, result, seconds, secrets)

    def _functions(self) -> HostFunctions:
        from reglet.sandbox import native_functions

        return native_functions(self.grants, dialect=self.dialect, log=self.log, observer=self.events.append)

    def _explain(self, events: Iterable[HostCallEvent], usage: Usage, secrets: list[str]) -> None:
        """Say of each host call, file and variable what the policy says, also where nothing enforces it."""
        for call in events:
            verdict = {
                True: f"allowed by {call.decision}",
                False: f"denied, missing {call.decision}",
                None: "not asked",
            }[call.allowed]
            target = without_secrets(call.target, secrets)
            write_message(f"{call.name} {target}: {verdict} ({call.seconds * 1000:.1f} ms)")
        from reglet.domain.policy import Policy

        policy = Policy(self.grants)
        for kind, paths, question in (
            ("read", usage.reads, policy.read),
            ("write", usage.writes, policy.write),
            ("variable", usage.variables, policy.environment),
        ):
            for path in sorted(paths):
                decision = question(path)
                verdict = f"allowed by {decision.rule}" if decision else f"denied, missing {decision.rule}"
                write_message(f"{kind} {without_secrets(path, secrets)}: {verdict}")

    def needed(self) -> GrantSet:
        """Return the least grants that cover what the checks asked for, allowed or not."""
        from reglet.testing.usage import Usage

        needed = Usage()
        for usage in self.usages:
            needed.add(usage)
        for call in self.events:
            needed.note_call(call.name, json.loads(call.request))
        return needed.least_grants()

    def denials(self) -> list[str]:
        """Return what to say of what was refused: the grants to paste, or that the plugin declares it."""
        if not self.events and not any(usage.reads or usage.writes for usage in self.usages):
            return []
        from reglet.domain.policy import Policy

        policy = Policy(self.grants)
        missing = [call.decision for call in self.events if call.allowed is False]
        for usage in self.usages:
            missing += [d.rule for path in sorted(usage.reads) if not (d := policy.read(path))]
            missing += [d.rule for path in sorted(usage.writes) if not (d := policy.write(path))]
        lines, least, declared = [], GrantSet(), Policy(self.manifest.capabilities)
        for required in dict.fromkeys(missing):
            kind, _, rest = required.partition(":")
            is_declared = False
            match kind:
                case "network":
                    host, _, port = rest.rpartition(":")
                    is_declared = port.isdigit() and bool(declared.network(host, int(port)))
                case "fs":
                    operation, _, path = rest.partition(":")
                    is_declared = bool(declared.write(path) if operation == "write" else declared.read(path))
                case "exec":
                    is_declared = bool(declared.execute(rest))
            if is_declared:
                lines.append(f"{required} is declared by the plugin: --grants declared allows it")
            least = least.merge(denied_grants(required))
        if not least.is_empty:
            lines.append(f"to allow what was denied, with --grants @FILE: {grants_json(least)}")
        return lines


def _report_difference(name: str, difference: str, output_format: Format) -> int:
    """Show what is not as an example or a recording has it, in the format that was asked for."""
    if output_format == "table":
        for line in difference.splitlines():
            write_line(line)
    else:
        document = {"name": name, "differences": [line.strip() for line in difference.splitlines()]}
        write_report(output_format, "run", document, [Entry(name, "failure", difference, "difference")])
    return ExitStatus.FAILURE


def _report(outcomes: list[_Outcome], output_format: Format, hints: list[str]) -> int:
    """Show how the checks ended and return one status for all of them, the worst."""
    status = max(status_of(each.result) for each in outcomes)
    if output_format == "table":
        masked = list(map(_masked, outcomes))
        if len(masked) == 1:
            show_result(masked[0].result)
        else:
            rows = [
                (
                    f"{MARKS[each.result.status]} {each.result.status.value}",
                    each.name,
                    each.result.message,
                    f"{each.seconds * 1000:.0f} ms",
                )
                for each in masked
            ]
            if not write_table(["status", "config", "message", "time"], rows):
                for mark, name, message, _ in rows:
                    write_line(f"{mark}  {name}: {message}")
            counts = Counter(each.result.status.value for each in masked)
            ended = ", ".join(f"{number} {name}" for name, number in counts.items())
            write_line(f"{len(masked)} checks: {ended}")
        sys.stdout.flush()
        for hint in hints:
            write_message(hint)
        return status
    from reglet.infrastructure.wire.exports import RESULT

    if output_format == "json" and len(outcomes) == 1:
        sys.stdout.write(RESULT.encode(outcomes[0].result).decode() + "\n")
        return status
    results: list[Any] = [json.loads(RESULT.encode(each.result)) for each in outcomes]
    document = results[0]
    if len(outcomes) > 1:
        document = [
            {"config": each.name, "result": result} for each, result in zip(outcomes, results, strict=True)
        ]
    entries = [
        Entry(each.name, each.result.status.value, each.result.message, "check", seconds=each.seconds)
        for each in map(_masked, outcomes)
    ]
    write_report(output_format, "run", document, entries)
    return status


def _masked(outcome: _Outcome) -> _Outcome:
    """Return an outcome as a person sees it: without the secrets of its config, and those in its URLs."""
    result, secrets = outcome.result, outcome.secrets
    error = result.error
    if error is not None:
        error = evolve(
            error,
            message=without_secrets(error.message, secrets),
            code=without_secrets(error.code, secrets),
            details=without_secrets(error.details, secrets),
            stack=without_secrets(error.stack.decode("utf-8", "replace"), secrets).encode(),
        )
    data = None if result.data is None else without_secrets(result.data, secrets)
    result = evolve(result, message=without_secrets(result.message, secrets), error=error, data=data)
    return evolve(outcome, result=result, name=without_secrets(outcome.name, secrets))
