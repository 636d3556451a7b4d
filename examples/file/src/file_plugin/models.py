"""What the file plugin takes and what it answers."""

from __future__ import annotations

from typing import Literal

import reglet

Algorithm = Literal["md5", "sha256", "sha512"]


@reglet.model
class CheckInput:
    """A file or directory, and what to expect of it."""

    path: str = reglet.field(
        description="A path; a relative one starts in the working directory",
        min_length=1,
        examples=["/etc/hosts"],
    )
    permissions: str = reglet.field(
        default="",
        description="Fail on other permissions, such as `0644`",
        pattern="^([0-7]{3,4})?$",
    )
    algorithm: Algorithm | None = reglet.field(
        default=None,
        description="Report this checksum; `sha256` where only `checksum` is given",
    )
    checksum: str = reglet.field(default="", description="Fail on another checksum", pattern="^[0-9A-Fa-f]*$")
    contains: str = reglet.field(default="", description="Fail if the content lacks this string")


@reglet.model
class CheckOutput:
    """What is at the path. Every field is always there; null means that nothing is known."""

    path: str = reglet.field(description="The path that was looked at")
    exists: bool = reglet.field(description="Whether there is anything")
    readable: bool = reglet.field(default=False, description="Whether it could be opened for reading")
    is_dir: bool = reglet.field(default=False, description="Whether it is a directory")
    is_symlink: bool = reglet.field(default=False, description="Whether the path itself is a symbolic link")
    size: int = reglet.field(default=0, description="Bytes of content; 0 for what does not exist")
    mod_time: str = reglet.field(
        default="", description="When it was last changed, RFC 3339; empty if there is nothing"
    )
    permissions: str | None = reglet.field(
        default=None, description="Such as `0644`; null where the platform does not report it"
    )
    mode: str | None = reglet.field(default=None, description="The same as `permissions`")
    mode_known: bool = reglet.field(default=False, description="Whether the platform reports permissions")
    uid: int | None = reglet.field(default=None, description="The owner; null where not known")
    gid: int | None = reglet.field(default=None, description="The group; null where not known")
    owner_known: bool = reglet.field(
        default=False, description="Whether the platform reports owner and group"
    )
    algorithm: str = reglet.field(default="", description="How `checksum` was made, empty if it was not")
    checksum: str = reglet.field(default="", description="The checksum in hex, empty if not asked for")
    contains: bool | None = reglet.field(
        default=None, description="Whether the string is in the content; null if not asked for"
    )
    expectation_failed: bool = reglet.field(default=False, description="Whether an expectation was not met")
    expectation_error: str = reglet.field(default="", description="Which ones, empty if none")
