"""The iam service: the account, its password policy, its access keys."""

from __future__ import annotations

from datetime import datetime

import reglet
from aws_plugin.access_keys import read_access_keys
from aws_plugin.answer import Answer
from aws_plugin.client import AWSClient, now
from aws_plugin.definition import plugin
from aws_plugin.errors import AWSError, MalformedAnswerError
from aws_plugin.examples import GET_ACCOUNT_PASSWORD_POLICY, GET_ACCOUNT_SUMMARY, LIST_ACCESS_KEYS
from aws_plugin.models import (
    AccessKeysInput,
    AccessKeysOutput,
    AccountInput,
    AccountSummary,
    PasswordPolicy,
    PasswordPolicyOutput,
)


@plugin.service("iam", description="The account and who may use it")
class IAMService:
    """Asks about the account."""

    @reglet.operation(description="Count what is in the account", examples=GET_ACCOUNT_SUMMARY)
    def get_account_summary(self, request: AccountInput, *, http: reglet.HTTPClient) -> AccountSummary:
        """Count the users, groups, roles and keys of the account."""
        answer = AWSClient.from_environment("iam", http, request.timeout_seconds).call("GetAccountSummary")
        counts = {
            entry.string("key"): entry.number("value")
            for entry in answer.each("GetAccountSummaryResult/SummaryMap/entry")
        }

        def count(key: str) -> int:
            found = counts.get(key)
            if found is None:
                raise MalformedAnswerError(f"it has no {key}")
            return found

        return AccountSummary(
            root_mfa_enabled=count("AccountMFAEnabled") == 1,
            users=count("Users"),
            groups=count("Groups"),
            roles=count("Roles"),
            policies=count("Policies"),
            mfa_devices=count("MFADevices"),
            mfa_devices_in_use=count("MFADevicesInUse"),
            access_keys_per_user_quota=count("AccessKeysPerUserQuota"),
        )

    @reglet.operation(description="Read the account's password policy", examples=GET_ACCOUNT_PASSWORD_POLICY)
    def get_account_password_policy(
        self, request: AccountInput, *, http: reglet.HTTPClient
    ) -> PasswordPolicyOutput:
        """Read the password policy; an account that has none is data."""
        aws = AWSClient.from_environment("iam", http, request.timeout_seconds)
        try:
            answer = aws.call("GetAccountPasswordPolicy")
        except AWSError as error:
            if error.code != "NoSuchEntity":
                raise
            return PasswordPolicyOutput(policy_exists=False, password_policy=PasswordPolicy())
        return PasswordPolicyOutput(policy_exists=True, password_policy=_policy(answer))

    @reglet.operation(description="List access keys and those nobody uses", examples=LIST_ACCESS_KEYS)
    def list_access_keys_with_usage(
        self, request: AccessKeysInput, *, http: reglet.HTTPClient
    ) -> AccessKeysOutput:
        """List the active access keys of all users, and when they were used."""
        aws = AWSClient.from_environment("iam", http, request.timeout_seconds)
        return _usage(aws, request.threshold_days, now())


def _policy(answer: Answer) -> PasswordPolicy:
    answer.needed("PasswordPolicy/MinimumPasswordLength")  # an account without a policy is an error of AWS's
    return PasswordPolicy(
        minimum_length=answer.number("MinimumPasswordLength") or 0,
        require_symbols=answer.flag("RequireSymbols"),
        require_numbers=answer.flag("RequireNumbers"),
        require_uppercase=answer.flag("RequireUppercaseCharacters"),
        require_lowercase=answer.flag("RequireLowercaseCharacters"),
        allow_users_to_change=answer.flag("AllowUsersToChangePassword"),
        expire_passwords=answer.flag("ExpirePasswords"),
        max_age_days=answer.number("MaxPasswordAge") or None,
        password_reuse_prevention=answer.number("PasswordReusePrevention") or None,
        hard_expiry=answer.flag("HardExpiry"),
    )


def _usage(aws: AWSClient, threshold_days: int, today: datetime) -> AccessKeysOutput:
    users = list_users(aws)
    keys = read_access_keys(aws, users, today)
    return AccessKeysOutput(
        total_users=len(users),
        total_access_keys=len(keys),
        access_keys=[key.shown for key in keys],
        unused_keys_over_threshold=[key.shown for key in keys if key.idle_days > threshold_days],
    )


def list_users(aws: AWSClient) -> list[str]:
    """Return the names of all users."""
    pages = aws.pages("ListUsers", {"MaxItems": "100"}, ask="Marker", answered="Marker")
    return [user.needed("UserName") for page in pages for user in page.listed("ListUsersResult/Users/member")]
