"""Access keys, and how long ago each was used."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime

from attrs import frozen

from aws_plugin.answer import Answer
from aws_plugin.client import AWSClient
from aws_plugin.errors import AWSError
from aws_plugin.models import AccessKey

log = logging.getLogger(__name__)


@frozen
class UsedKey:
    """A key as it is shown, and the days since it was used; if never, since it was made."""

    shown: AccessKey
    idle_days: int


@frozen
class Found:
    """The keys of the users whose keys could be read, and the other users."""

    keys: Sequence[UsedKey]
    users_not_read: Sequence[str]


def read_access_keys(aws: AWSClient, users: Sequence[str], today: datetime) -> Found:
    """Return the active keys of the users; a user whose keys AWS refuses to show is named and passed over."""
    keys: list[UsedKey] = []
    refused: list[str] = []
    for user in users:
        try:
            keys += [_with_usage(aws, key, today) for key in _active_keys(aws, user)]
        except AWSError as error:
            log.warning("access keys not read", extra={"user": user, "reason": str(error)})
            refused.append(user)
    return Found(keys, refused)


def _active_keys(aws: AWSClient, user: str) -> Iterator[Answer]:
    for page in aws.pages("ListAccessKeys", {"UserName": user}, ask="Marker", told="Marker"):
        for key in page.each("ListAccessKeysResult/AccessKeyMetadata/member"):
            if key.text("Status") == "Active":
                yield key


def _with_usage(aws: AWSClient, key: Answer, today: datetime) -> UsedKey:
    key_id = key.text("AccessKeyId")
    answer = aws.call("GetAccessKeyLastUsed", {"AccessKeyId": key_id})
    created, used = key.moment("CreateDate"), answer.moment("LastUsedDate")
    shown = AccessKey(
        user_name=key.text("UserName"),
        access_key_id=key_id,
        status=key.text("Status"),
        created=key.text("CreateDate"),
        last_used=answer.text("LastUsedDate") if used else None,
        days_since_used=(today - used).days if used else None,
        never_used=used is None,
    )
    since = used or created
    return UsedKey(shown, (today - since).days if since else 0)
