"""The commands, in the order in which help shows them."""

from reglet.cli.commands import (
    audit,
    build,
    dev,
    docs,
    doctor,
    index,
    inspect,
    lint,
    manifest,
    new,
    package,
    pull,
    push,
    run,
    test,
    verify,
)

COMMANDS = (
    new.COMMAND,
    build.COMMAND,
    run.COMMAND,
    manifest.COMMAND,
    inspect.COMMAND,
    test.COMMAND,
    audit.COMMAND,
    lint.COMMAND,
    verify.COMMAND,
    docs.COMMAND,
    dev.COMMAND,
    package.COMMAND,
    push.COMMAND,
    pull.COMMAND,
    index.COMMAND,
    doctor.COMMAND,
)

__all__ = ["COMMANDS"]
