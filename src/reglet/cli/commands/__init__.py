"""The commands, in the order in which help shows them."""

from reglet.cli.commands import audit, build, dev, docs, doctor, inspect, lint, manifest, new, run, test

COMMANDS = (
    new.COMMAND,
    build.COMMAND,
    run.COMMAND,
    manifest.COMMAND,
    inspect.COMMAND,
    test.COMMAND,
    audit.COMMAND,
    lint.COMMAND,
    docs.COMMAND,
    dev.COMMAND,
    doctor.COMMAND,
)

__all__ = ["COMMANDS"]
