"""`reglet-plugin`: the command line, thin over the rooms."""

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status. Ctrl-C ends it in one line, also while it is imported."""
    try:
        from reglet.cli.entry_point import run

        return run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        sys.stderr.write("reglet-plugin: interrupted\n")
        return 130
