"""The file plugin: one service, one operation."""

from __future__ import annotations

import os
from collections.abc import Iterator

import reglet
from file_plugin.content import Content, can_read, read_content
from file_plugin.facts import REPORTS_OWNERS, Facts, look_at
from file_plugin.models import CheckInput, CheckOutput
from reglet.errors import UnsupportedOptionError

# Which file is to be checked is the profile's choice; devices and the kernel's own files are left out.
READABLE = [
    "/boot/**",
    "/etc/**",
    "/home/**",
    "/opt/**",
    "/root/**",
    "/srv/**",
    "/tmp/**",  # noqa: S108 - it is read, not written
    "/usr/**",
    "/var/**",
]

plugin = reglet.define_plugin(
    name="file",
    description="File system checks and validation",
    capabilities=reglet.GrantSet(
        fs=reglet.FileSystemCapability(rules=[reglet.FileSystemRule(read=READABLE)])
    ),
)

EXAMPLES = [
    reglet.Example(
        "exists",
        CheckInput(path="/etc/hosts"),
        description="Whether there is a file, and its facts",
        expected_output=CheckOutput(path="/etc/hosts", exists=True, readable=True),
    ),
    reglet.Example(
        "checksum",
        CheckInput(path="/etc/hosts", algorithm="sha256"),
        description="The checksum of its content",
        expected_output=CheckOutput(path="/etc/hosts", exists=True, readable=True, algorithm="sha256"),
    ),
    reglet.Example(
        "content",
        CheckInput(path="/etc/hosts", contains="localhost"),
        description="Whether a string is in it",
        expected_output=CheckOutput(path="/etc/hosts", exists=True, readable=True, contains=True),
    ),
    reglet.Example(
        "missing",
        CheckInput(path="/etc/there/is/no/such/file"),
        description="A missing file is an answer: the profile decides what to make of it",
        expected_output=CheckOutput(path="/etc/there/is/no/such/file", exists=False),
    ),
    reglet.Example(
        "checksum_of_a_directory",
        CheckInput(path="/etc", algorithm="sha256"),
        description="A directory has no content",
        expected_error="cannot calculate checksum of a directory",
    ),
]


@plugin.service("file", description="Files and directories")
class FileService:
    """Looks at files."""

    @reglet.operation(description="Look at a file and report what is there", examples=EXAMPLES)
    def check(self, request: CheckInput) -> CheckOutput:
        """Look at a path; a file that is not there is data, one that cannot be read is an error."""
        found = look_at(request.path)
        output = _missing(request) if found is None else _described(request, found)
        if output.expectation_failed:
            raise reglet.CheckFailed(output.expectation_error, output)
        return output


def _missing(request: CheckInput) -> CheckOutput:
    expected = request.permissions or request.checksum or request.contains
    return CheckOutput(
        path=request.path,
        exists=False,
        is_symlink=os.path.islink(request.path),  # noqa: PTH114 - a link that leads nowhere
        expectation_failed=bool(expected),
        expectation_error=f"{request.path} does not exist" if expected else "",
    )


def _described(request: CheckInput, found: Facts) -> CheckOutput:
    readable = can_read(request.path)
    content = read_content(request, is_dir=found.is_dir, readable=readable)
    mode = f"{found.mode:04o}" if REPORTS_OWNERS else None
    problems = list(_problems(request, mode, content))
    return CheckOutput(
        path=request.path,
        exists=True,
        readable=readable,
        is_dir=found.is_dir,
        is_symlink=found.is_symlink,
        size=found.size,
        mod_time=found.modified.isoformat().replace("+00:00", "Z"),
        permissions=mode,
        mode=mode,
        mode_known=REPORTS_OWNERS,
        uid=found.uid if REPORTS_OWNERS else None,
        gid=found.gid if REPORTS_OWNERS else None,
        owner_known=REPORTS_OWNERS,
        algorithm=content.algorithm,
        checksum=content.checksum,
        contains=content.contains,
        expectation_failed=bool(problems),
        expectation_error="; ".join(problems),
    )


def _problems(request: CheckInput, mode: str | None, content: Content) -> Iterator[str]:
    if request.permissions:
        yield from _permission_problems(request.permissions.zfill(4), mode)
    if request.checksum and content.checksum != request.checksum.lower():
        yield f"Checksum mismatch: expected {request.checksum.lower()}, got {content.checksum}"
    if content.contains is False:
        yield f"Content mismatch: expected to contain '{request.contains}'"


def _permission_problems(expected: str, actual: str | None) -> Iterator[str]:
    if actual is None:
        raise UnsupportedOptionError("permissions", expected, "this platform does not report permissions")
    if actual != expected:
        yield f"Permissions mismatch: expected {expected}, got {actual}"
