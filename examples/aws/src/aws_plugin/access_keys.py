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


def read_access_keys(aws: AWSClient, users: Sequence[str], today: datetime) -> list[UsedKey]:
    """Return the active keys of the users.

    Raises:
        AWSError: AWS refuses to show some; of the others alone nothing can be concluded.
    """
    keys: list[UsedKey] = []
    for user in users:
        try:
            keys += [_with_usage(aws, key, today) for key in _active_keys(aws, user)]
        except AWSError as error:
            if error.code != "NoSuchEntity":
                raise
            log.info("user is gone", extra={"user": user})
    return keys


def _active_keys(aws: AWSClient, user: str) -> Iterator[Answer]:
    for page in aws.pages("ListAccessKeys", {"UserName": user}, ask="Marker", answered="Marker"):
        for key in page.listed("ListAccessKeysResult/AccessKeyMetadata/member"):
            if key.needed("Status") == "Active":
                yield key


def _with_usage(aws: AWSClient, key: Answer, today: datetime) -> UsedKey:
    key_id = key.needed("AccessKeyId")
    answer = aws.call("GetAccessKeyLastUsed", {"AccessKeyId": key_id})
    created, used = key.timestamp("CreateDate"), answer.timestamp("LastUsedDate")
    shown = AccessKey(
        user_name=key.string("UserName"),
        access_key_id=key_id,
        status=key.string("Status"),
        created=key.needed("CreateDate"),
        last_used=answer.string("LastUsedDate") if used else None,
        days_since_used=(today - used).days if used else None,
        never_used=used is None,
    )
    since = used or created
    return UsedKey(shown, (today - since).days if since else 0)
