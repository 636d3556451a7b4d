"""`--format table|json|yaml|junit|sarif|github`: what was found, for the programs that collect it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, cast

import click
from attrs import frozen

from reglet.application import __version__
from reglet.cli.command import require_extra
from reglet.domain.escaping import escape

Format: TypeAlias = Literal["table", "json", "yaml", "junit", "sarif", "github"]
"""The formats; `table` is for a person."""

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_ORIGIN = "https://github.com/reglet-dev"


@frozen(eq=False, repr=False)
class Entry:
    """One thing that a report has: a check, a test, a finding.

    Attributes:
        name: what it is called: a config, a test, a path into the manifest.
        outcome: how it ended; a finding that need not stop anybody is a failure of level warning.
        message: what is to say of it.
        rule: the rule that it is about, as SARIF names rules; stable.
        level: how bad it is when it is no success.
        file: where it is, relative to the folder that was looked at; empty where it is in no file.
        line: the line in the file, from 1; 0 where it is not known.
        seconds: how long it took.
    """

    name: str
    outcome: Literal["success", "failure", "error", "skipped"]
    message: str = ""
    rule: str = ""
    level: Literal["error", "warning"] = "error"
    file: str = ""
    line: int = 0
    seconds: float = 0.0


def format_options(command: Any) -> Any:
    """Add `--format` and `--json`, which is one of them, as `output_format`."""

    def as_json(ctx: click.Context, _parameter: click.Parameter, given: bool) -> None:
        if given:
            ctx.params["output_format"] = "json"

    named = click.option(
        "--format",
        "output_format",
        type=click.Choice(["table", "json", "yaml", "junit", "sarif", "github"]),
        default="table",
        help="What to print: for a person (the default), or for a program.",
        callback=lambda ctx, _parameter, given: ctx.params.get("output_format", given),
    )
    short = click.option(
        "--json",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=as_json,
        help="The same as --format json.",
    )
    return named(short(command))


def write_report(output_format: Format, command: str, document: Any, entries: Sequence[Entry]) -> None:
    """Write a report to stdout: `document` as JSON or YAML, `entries` in the other formats."""
    match output_format:
        case "yaml":
            require_extra("build", "--format yaml")
            import yaml

            text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
        case "junit":
            text = _junit(command, entries)
        case "github":
            text = ""  # a workflow command for each entry that failed, which shows it at its line
            for each in entries:
                if each.outcome not in {"failure", "error"}:
                    continue
                name = "" if each.file and each.name.startswith(each.file) else each.name
                title = f"{each.rule} {name}".strip()
                facts = {"file": each.file, "line": str(each.line or ""), "title": title}
                given = [f"{key}={_percent_encoded(value, '%:,')}" for key, value in facts.items() if value]
                message = _percent_encoded(each.message or each.outcome, "%")
                text += f"::{each.level} {','.join(given)}::{message}\n"
        case "sarif":
            text = json.dumps(_sarif(command, entries), indent=2, ensure_ascii=False) + "\n"
        case _:
            text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    sys.stdout.write(text)


def entries_of_junit(content: bytes) -> list[Entry]:
    """Return the tests in a JUnit file, as pytest writes it."""
    from xml.etree import ElementTree as ET

    entries = []
    for case in ET.fromstring(content).iter("testcase"):  # noqa: S314 - our own pytest wrote it
        found = next((part for part in case if part.tag in _OUTCOMES), None)
        outcome = _OUTCOMES[found.tag] if found is not None else "success"
        name = ".".join(filter(None, (case.get("classname"), case.get("name"))))
        message = "" if found is None else found.get("message") or ""
        seconds = float(case.get("time") or 0)
        file, line = case.get("file") or "", int(case.get("line") or -1) + 1
        entries.append(
            Entry(name, cast("Any", outcome), message, "test", file=file, line=line, seconds=seconds)
        )
    return entries


_OUTCOMES = {"failure": "failure", "error": "error", "skipped": "skipped"}


def _junit(command: str, entries: Sequence[Entry]) -> str:
    from xml.etree import ElementTree as ET

    counts = {
        kind: str(sum(each.outcome == kind for each in entries)) for kind in ("failure", "error", "skipped")
    }
    root = ET.Element("testsuites")
    suite = ET.SubElement(
        root,
        "testsuite",
        name=f"reglet-plugin {command}",
        tests=str(len(entries)),
        failures=counts["failure"],
        errors=counts["error"],
        skipped=counts["skipped"],
        time=f"{sum(each.seconds for each in entries):.3f}",
    )
    for each in entries:
        facts = {"name": escape(each.name), "classname": each.rule or command, "time": f"{each.seconds:.3f}"}
        if each.file and each.line:
            facts |= {"file": escape(each.file), "line": str(each.line)}
        case = ET.SubElement(suite, "testcase", facts)
        if each.outcome != "success":
            ET.SubElement(case, each.outcome, message=escape(each.message), type=each.rule or each.level)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _percent_encoded(text: str, characters: str) -> str:
    return escape(text).translate({ord(each): f"%{ord(each):02X}" for each in characters})


def _sarif(command: str, entries: Sequence[Entry]) -> dict[str, Any]:
    from reglet.application.lint import RULES

    found = [each for each in entries if each.outcome in {"failure", "error"}]
    rules = list(dict.fromkeys(each.rule or command for each in entries))
    driver = {
        "name": f"reglet-plugin {command}",
        "version": __version__,
        "informationUri": _ORIGIN,
        "rules": [
            {"id": rule, **({"shortDescription": {"text": RULES[rule][1]}} if rule in RULES else {})}
            for rule in rules
        ],
    }
    results = []
    for each in found:
        location: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": escape(each.name)}]}
        if each.file:
            region = {"region": {"startLine": each.line}} if each.line else {}
            location["physicalLocation"] = {"artifactLocation": {"uri": each.file}, **region}
        result = {
            "ruleId": each.rule or command,
            "ruleIndex": rules.index(each.rule or command),
            "level": each.level,
            "message": {"text": escape(each.message) or each.outcome},
            "locations": [location],
        }
        results.append(result)
    return {
        "$schema": _SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
