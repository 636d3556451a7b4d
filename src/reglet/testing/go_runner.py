"""A plugin's checks on the Go host, which runs it as production does: on wazero."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from reglet.domain.entities.grants import GrantSet
from reglet.domain.entities.result import Result
from reglet.domain.errors import RegletError
from reglet.domain.policy import Policy
from reglet.domain.policy.globs import is_exact
from reglet.domain.ports import HostFunctions
from reglet.infrastructure.wire.exports import RESULT

if TYPE_CHECKING:
    from reglet.testing.runners import Clock

_GO_SOURCE = Path(__file__).with_name("go_host")
_GO_BUILD_SECONDS, _GO_END_SECONDS = 300, 10


class GoHostError(RegletError):
    """The Go host cannot be built, or ended in the middle of a check; the message has the reason."""

    error_type = "execution"


class GoHostRunner:
    """A built plugin on the Go host, with what it declares granted. A context manager.

    Files of declared read patterns are there read-only, below the folders in which the patterns start.
    """

    def __init__(self, module: Path, grants: GrantSet, cache: Path, *, toolchain: str = "go") -> None:
        """Run `module`; the host and its compiled code are kept in `cache`.

        Raises:
            GoHostError: there is no Go toolchain, or it cannot build the host.
        """
        self._policy = Policy(grants)
        starts = set()
        for rule in grants.fs.rules if grants.fs else ():
            for pattern in rule.read:
                fixed = Path("/", *takewhile(is_exact, Path(pattern).parts))
                starts.add(fixed.parent if is_exact(pattern) else fixed)
        self._directories = sorted(str(folder) for folder in starts if folder.is_dir())

        digest = hashlib.sha256()
        for name in ("go.mod", "go.sum", "main.go"):
            digest.update((_GO_SOURCE / name).read_bytes())
        program = cache / f"go-host-{digest.hexdigest()[:16]}"
        if not program.is_file():
            go = shutil.which(toolchain)
            if go is None:
                raise GoHostError(
                    f"--reglet-place=go needs the Go toolchain, and there is no {toolchain} on the PATH"
                )
            # it only appears whole, and each run makes its own: others may look for it, or build it, too
            with tempfile.TemporaryDirectory(prefix="go-host-", dir=cache) as folder:
                beside = Path(folder, "host")
                built = subprocess.run(  # noqa: S603 - the toolchain that was found
                    [go, "build", "-o", str(beside), "."],
                    cwd=_GO_SOURCE,
                    capture_output=True,
                    text=True,
                    timeout=_GO_BUILD_SECONDS,
                    check=False,
                )
                if built.returncode != 0:
                    output = (built.stdout + built.stderr).strip()
                    raise GoHostError(f"the Go host cannot be built: {output[-2000:]}")
                beside.replace(program)
        command = [str(program), str(module), str(cache / "wazero")]
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the host
        self._host = subprocess.Popen(  # noqa: S603 - the host that was built above
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors
        )

    def check(self, functions: HostFunctions, config: bytes, *, clock: Clock | None = None) -> Result:
        """Run one check in a fresh instance, at the time of `clock`, which stands while it runs.

        Raises `GoHostError` where the guest trapped.
        """
        environment = {name: value for name, value in os.environ.items() if self._policy.environment(name)}
        now = None if clock is None else int(clock().timestamp())
        given = base64.b64encode(config).decode("ascii")
        self._say(config=given, directories=self._directories, environment=environment, now=now)
        while True:
            line = self._streams()[1].readline()
            if not line:
                raise self._gone()
            heard: dict[str, Any] = json.loads(line)
            if "call" in heard:
                answer = functions.call(heard["call"], base64.b64decode(heard.get("request", "")))
                self._say(answer=base64.b64encode(answer).decode("ascii"))
            elif "error" in heard:
                raise GoHostError(f"the check ended on the Go host: {heard['error']}")
            else:
                return RESULT.decode(base64.b64decode(heard["result"]))

    def close(self) -> None:
        """End the host."""
        stdin, stdout = self._streams()
        with suppress(BrokenPipeError):
            stdin.close()
        try:
            self._host.wait(_GO_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._host.kill()
            self._host.wait()
        stdout.close()
        self._errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _streams(self) -> tuple[IO[bytes], IO[bytes]]:
        assert self._host.stdin is not None
        assert self._host.stdout is not None
        return self._host.stdin, self._host.stdout

    def _say(self, **message: Any) -> None:
        stdin, _ = self._streams()
        try:
            stdin.write(json.dumps(message).encode() + b"\n")
            stdin.flush()
        except BrokenPipeError as error:
            raise self._gone() from error

    def _gone(self) -> GoHostError:
        status = self._host.wait(_GO_END_SECONDS)
        self._errors.seek(0)
        output = self._errors.read().decode("utf-8", "replace").strip()
        return GoHostError(f"the Go host ended with status {status}: {output[-2000:]}")
