"""A stand-in for the programs behind the command port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Self

from reglet.application.examples import CommandAnswer
from reglet.domain.entities.records import CommandRequest, CommandResult
from reglet.domain.errors import ExecError
from reglet.testing.fakes.routes import (
    Criterion,
    Failure,
    Fake,
    FakeCall,
    FakeClock,
    Route,
    TextPattern,
    failure_of,
    optional_text_matches,
    text_matches,
)

_TEXTS = {"refused": "permission denied", "not_found": "executable file not found"}


class CommandRoute(Route[CommandResult]):
    """Commands that fit, and their answers in order."""

    def respond(
        self,
        stdout: str = "",
        *,
        stderr: str = "",
        exit_code: int = 0,
        truncated: bool = False,
        latency: timedelta = timedelta(),
    ) -> Self:
        """End the next run with this; `latency` is how long it takes."""
        result = CommandResult(stdout, stderr, exit_code, latency, truncated=truncated)
        return self.then(result, latency)


class FakeCommandRunner(Fake[CommandRoute]):
    """A `CommandRunner` that answers from routes and fails on any other command.

    Time that runs out is a result with `is_timeout`, as with a real one.
    """

    def __init__(self, *answers: CommandAnswer, clock: FakeClock | None = None) -> None:
        """Start with a route for each answer."""
        super().__init__(clock, answers, CommandAnswer)

    def on(
        self,
        command: TextPattern = "*",
        args: Sequence[TextPattern] | None = None,
        *,
        dir: TextPattern | None = None,  # noqa: A002 - the wire's own word
        env: Mapping[str, TextPattern] | None = None,
    ) -> CommandRoute:
        """Add a route for the commands that fit; None stands for anything, of `env` only its names count."""
        criteria = [Criterion("command", command, text_matches)]
        if isinstance(args, str):
            raise TypeError(f"args is a list, not the string {args!r}; write {args.split()!r}")
        if args is not None:
            criteria.append(Criterion("args", tuple(args), _args_match))
        if dir is not None:
            criteria.append(Criterion("dir", dir, optional_text_matches))
        if env is not None:
            criteria.append(Criterion("env", env, _env_matches))
        return self.routes.add(CommandRoute("command", criteria))

    def add(self, answer: CommandAnswer) -> CommandRoute:
        """Add a route that gives an example's answer."""
        route = self.on(answer.command or "*", answer.args)
        if answer.error:
            return route.fail(failure_of(answer.error))
        return route.then(answer.result, answer.result.duration)

    def run(self, request: CommandRequest) -> CommandResult:
        """Answer a command."""
        facts = {
            "command": request.command,
            "args": request.args,
            "dir": request.dir,
            "env": request.env or {},
        }
        outcome = self.routes.answer(FakeCall("command", facts), request.timeout)
        if isinstance(outcome, Failure):
            if outcome.kind == "timeout":
                return CommandResult(exit_code=-1, duration=request.timeout or outcome.after, is_timeout=True)
            error = ExecError(request.command, _TEXTS.get(outcome.kind, outcome.text))
            raise outcome.as_error("exec", request.command, request.timeout, f"exec:{request.command}", error)
        result: CommandResult = outcome
        return result


def _args_match(wanted: Sequence[TextPattern], seen: Sequence[str]) -> bool:
    return len(wanted) == len(seen) and all(map(text_matches, wanted, seen))


def _env_matches(wanted: Mapping[str, TextPattern], seen: Mapping[str, Any]) -> bool:
    return all(name in seen and text_matches(pattern, seen[name]) for name, pattern in wanted.items())
