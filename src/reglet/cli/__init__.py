"""`reglet-plugin`: the command line, thin over the rooms."""

from reglet.cli.main import main

__all__ = ["main"]
