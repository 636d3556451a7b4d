"""`docs`: a plugin's reference page, in Markdown or as one HTML file."""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reglet.cli.arguments import manifest_of, read_file
from reglet.cli.command import (
    FILE,
    TARGET_HELP,
    Command,
    ExitStatus,
    UsageError,
    require_extra,
    target_argument,
)
from reglet.cli.console import write_file, write_line, write_message
from reglet.cli.reference import (
    FieldRow,
    OperationSection,
    reference_of,
)

if TYPE_CHECKING:
    from reglet.domain.entities.manifest import Manifest

SECTIONS_BEGIN = "<!-- from here on written by: reglet-plugin docs --into -->"
SECTIONS_END = "<!-- here it ends -->"
_HTML_SUFFIXES = (".html", ".htm")


@click.command(cls=Command, epilog=TARGET_HELP)
@target_argument
@click.option("-o", "--output", type=FILE, metavar="FILE", help="Write it there instead of printing it.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["markdown", "html"]),
    help="What to write (default: html for a FILE with that suffix, else markdown).",
)
@click.option(
    "--into", type=FILE, metavar="FILE", help="Write its sections between two marks of a page of yours."
)
@click.option(
    "--check", type=FILE, metavar="FILE", help="Compare them with those of the page; status 1 if they differ."
)
def docs(target: str, output: Path | None, form: str | None, into: Path | None, check: Path | None) -> int:
    """Write the plugin's reference page: Markdown, or one HTML file that needs nothing else."""
    if sum(each is not None for each in (output, into, check)) > 1 or (form and (into or check)):
        raise UsageError("--output, --into and --check exclude each other, and the last two write Markdown")
    if page := into or check:
        before = read_file(page, f"--{'into' if into else 'check'} {page}").decode("utf-8", "replace")
        after = with_sections(before, manifest_of(target), str(page))
        if into:
            write_file(into, after.encode())
            return ExitStatus.SUCCESS
        from difflib import unified_diff

        difference = list(
            unified_diff(before.splitlines(), after.splitlines(), str(page), "the plugin now", lineterm="")
        )
        for line in difference:
            write_line(line)
        if difference:
            write_message(f"write it anew with: reglet-plugin docs --into {page}")
        return ExitStatus.FAILURE if difference else ExitStatus.SUCCESS
    if form is None:
        form = "html" if output is not None and output.suffix.lower() in _HTML_SUFFIXES else "markdown"
    if form == "html":
        require_extra("build", "docs --format html")
    manifest = manifest_of(target)
    made = html_page(manifest) if form == "html" else markdown_page(manifest)
    if output is None:
        sys.stdout.write(made)
    else:
        write_file(output, made.encode())
    return ExitStatus.SUCCESS


def markdown_page(manifest: Manifest) -> str:
    """Return a plugin's page in Markdown, as GitHub and Python-Markdown read it."""
    reference = reference_of(manifest)
    title = f"# {_prose(reference.name)} {_prose(reference.version)}"
    blocks = [title, _prose(reference.description), markdown_sections(manifest)]
    if reference.requirements:
        facts = ", ".join(f"{name} {_prose(value)}" for name, value in reference.requirements.items())
        blocks.append(f"The plugin is {facts}.")
    return _blocks(blocks) + "\n"


def markdown_sections(manifest: Manifest, level: int = 2) -> str:
    """Return the page without its title and what it was made with, for a page of the author's own: a README.

    Args:
        manifest: the plugin's.
        level: of the sections' headings, 2 for `##`.
    """
    reference, mark = reference_of(manifest), "#" * level
    blocks = [f"{mark} In a profile", _fenced("yaml", reference.profile)] if reference.profile else []
    blocks.append(f"{mark} Capabilities")
    rows: list[tuple[str, str, str]] = []
    for row in reference.capabilities:
        what = ", ".join(map(_code_cell, row.values))
        if row.ports:
            what += f" on {', '.join(map(_code_cell, row.ports))}"
        risk = f"{row.risk}: {row.reason}" if row.reason else row.risk
        rows.append((_prose(row.kind, in_cell=True), what, risk))
    if rows:
        blocks += [
            f"The most that it can be granted; a user grants these or less. Risk: **{reference.risk}**.",
            _table(("may", "what", "risk"), rows),
        ]
    else:
        blocks.append("None: it asks for nothing.")
    if reference.config:
        blocks += [f"{mark} Config", _fields(reference.config)]
    for service in reference.services:
        blocks += [f"{mark} {_prose(service.name)}", _prose(service.description)]
        for operation in service.operations:
            blocks += _operation(operation, mark + "#")
    limits = ((name, value) for name, value in reference.limits.items())
    blocks += [f"{mark} Limits", _table(("of each check", "at most"), limits)]
    return _blocks(blocks)


def with_sections(page: str, manifest: Manifest, name: str) -> str:
    """Return a page of the author's own, called `name`, with the sections between its two marks made anew.

    Raises:
        UsageError: it has no marks.
    """
    before, begin, rest = page.partition(SECTIONS_BEGIN)
    _, end, after = rest.partition(SECTIONS_END)
    if not (begin and end):
        raise UsageError(
            f"{name} has no place for the sections: write {SECTIONS_BEGIN} and {SECTIONS_END} into it"
        )
    return f"{before}{begin}\n\n{markdown_sections(manifest)}\n\n{end}{after}"


def _blocks(blocks: Iterable[str]) -> str:
    return "\n\n".join(filter(None, blocks))


def _operation(operation: OperationSection, mark: str) -> Iterator[str]:
    yield f"{mark} {_prose(operation.service)} {_prose(operation.name)}"
    yield _prose(operation.description)
    if operation.routing:
        yield f"Called by {' and '.join(_code(f'{key}: {name}') for key, name in operation.routing.items())}."
    yield f"{mark}# Input"
    yield _fields(operation.inputs)
    if any(row.required is None for row in operation.inputs):
        yield "What `maybe` is required the operation decides."
    if operation.outputs is not None:
        yield f"{mark}# Output"
        yield (
            _table(
                ("field", "type", "meaning"),
                (
                    (_code_cell(row.path), _prose(row.type, in_cell=True), _meaning_cell(row))
                    for row in operation.outputs
                ),
            )
            or "Nothing."
        )
    if operation.examples:
        yield f"{mark}# Examples"
    for example in operation.examples:
        about = f": {_prose(example.description)}" if example.description else ""
        yield _code(example.name) + about
        yield _fenced("console", f"$ {example.command}")
        if example.error:
            yield f"Fails with {_code(example.error)}."
        if example.answer:
            yield "Answers at least:"
            yield _fenced("json", example.answer)


def _fields(rows: Iterable[FieldRow]) -> str:
    return (
        _table(
            ("field", "type", "required", "default", "meaning"),
            (
                (
                    _code_cell(row.path),
                    _prose(row.type, in_cell=True),
                    row.requirement,
                    "" if row.default is None else _code_cell(row.default),
                    _meaning_cell(row),
                )
                for row in rows
            ),
        )
        or "Nothing."
    )


def _meaning_cell(row: FieldRow) -> str:
    parts = ["Deprecated"] if row.deprecated else []
    parts += [_prose(row.description, in_cell=True)] if row.description else []
    parts += [f"one of {', '.join(map(_code_cell, row.choices))}"] if row.choices else []
    parts += [*row.limits, *([f"matches {_code_cell(row.pattern)}"] if row.pattern else [])]
    return "; ".join(parts)


def _table(names: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table of cells that are quoted, empty if there is no row."""
    lines = [f"| {' | '.join(cells)} |" for cells in rows]
    head = [f"| {' | '.join(names)} |", f"|{'---|' * len(tuple(names))}"]
    return "\n".join([*head, *lines]) if lines else ""


_JSON_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*"|[\w.+-]+)(:?)')
_CODE_SPAN = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_INLINE_MARKUP = re.compile(r"[\\`*\[\]]|(?<![^\W_])_|_(?![^\W_])")
_BLOCK_START = re.compile(r"(?=#)|(?=[-+](?:[-+ ]|$))|\d+(?=[.)](?: |$))")


def _prose(text: str, *, in_cell: bool = False) -> str:
    """Return a line of the plugin's as text: no heading, list, link or HTML; its code stays code."""
    code = _code_cell if in_cell else _code
    pieces = _CODE_SPAN.split(text)  # text, ticks, code, text, ticks, code, …, text
    for index, piece in enumerate(pieces):
        pieces[index] = (_plain(piece, in_cell=in_cell), "", code(piece))[index % 3]
    joined = "".join(pieces)
    start = _BLOCK_START.match(joined)
    return joined if start is None else f"{joined[: start.end()]}\\{joined[start.end() :]}"


def _plain(text: str, *, in_cell: bool) -> str:
    quoted = _INLINE_MARKUP.sub(r"\\\g<0>", html.escape(text, quote=False)).replace("~~", "&#126;&#126;")
    return quoted.replace("|", "&#124;") if in_cell else quoted


def _code(text: str) -> str:
    """Return a line as code in a line of text."""
    ticks = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    padding = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{padding}{text}{padding}{ticks}" if text else '`""`'


def _code_cell(text: str) -> str:
    """Return a line as code in a table, whose cells end at a bar even there."""
    return f"<code>{_plain(text, in_cell=True)}</code>" if "|" in text else _code(text)


def _fenced(language: str, text: str) -> str:
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"


def html_page(manifest: Manifest) -> str:
    """Return a plugin's page as one HTML file: it runs no script, loads nothing, and can be printed."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    def prose(text: str) -> Markup:
        """Return a line with its code as code."""
        pieces: list[str] = _CODE_SPAN.split(text)  # text, ticks, code, text, ticks, code, …, text
        pieces[2::3] = [Markup("<code>{}</code>").format(each) for each in pieces[2::3]]
        del pieces[1::3]
        return Markup().join(pieces)

    def json_code(text: str) -> Markup:
        """Return JSON with names, strings and other values apart."""
        pieces: list[str] = _JSON_TOKEN.split(text)  # layout, token, colon, layout, token, colon, …, layout
        for index in range(1, len(pieces), 3):
            token = pieces[index]
            kind = "key" if pieces[index + 1] else "string" if token.startswith('"') else "number"
            pieces[index] = Markup('<span class="{}">{}</span>').format(kind, token)
        return Markup().join(pieces)

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"prose": prose, "json_code": json_code}
    template = files("reglet.cli").joinpath("reference.html").read_text(encoding="utf-8")
    return environment.from_string(template).render(reference=reference_of(manifest)) + "\n"
