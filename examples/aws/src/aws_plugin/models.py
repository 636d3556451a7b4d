"""What the aws plugin's operations take, and what those of IAM answer."""

from __future__ import annotations

import reglet


@reglet.model
class EC2Input:
    """Which machines or groups to look at."""

    region: str = reglet.field(
        default="", description="Region; AWS_REGION or AWS_DEFAULT_REGION if empty", pattern="^[a-z0-9-]*$"
    )
    filters: dict[str, list[str]] = reglet.field(
        factory=dict, description="AWS filters: name to values, such as `vpc-id`"
    )
    timeout_seconds: int = reglet.field(
        default=30, ge=1, le=300, description="Seconds that each call may take"
    )


@reglet.model
class AccountInput:
    """A question about the whole account."""

    timeout_seconds: int = reglet.field(
        default=30, ge=1, le=300, description="Seconds that each call may take"
    )


@reglet.model
class AccessKeysInput:
    """A question about the account's access keys."""

    threshold_days: int = reglet.field(
        default=90, ge=1, description="Days after which a key counts as unused"
    )
    timeout_seconds: int = reglet.field(
        default=30, ge=1, le=300, description="Seconds that each call may take"
    )


@reglet.model
class AccountSummary:
    """What is in the account, and how many."""

    root_mfa_enabled: bool = reglet.field(description="Whether the root user has MFA")
    users: int = reglet.field(description="Users")
    groups: int = reglet.field(description="Groups")
    roles: int = reglet.field(description="Roles")
    policies: int = reglet.field(description="Policies of the account's own")
    mfa_devices: int = reglet.field(description="MFA devices")
    mfa_devices_in_use: int = reglet.field(description="MFA devices that someone uses")
    access_keys_per_user_quota: int = reglet.field(description="Access keys that a user may have")


@reglet.model
class PasswordPolicy:
    """What a password must be; of an account without a policy, nothing at all."""

    minimum_length: int = reglet.field(default=0, description="Least number of characters")
    require_symbols: bool = reglet.field(default=False, description="Whether it needs a symbol")
    require_numbers: bool = reglet.field(default=False, description="Whether it needs a digit")
    require_uppercase: bool = reglet.field(default=False, description="Whether it needs a capital letter")
    require_lowercase: bool = reglet.field(default=False, description="Whether it needs a small letter")
    allow_users_to_change: bool = reglet.field(default=False, description="Whether users may change theirs")
    expire_passwords: bool = reglet.field(default=False, description="Whether passwords expire")
    max_age_days: int | None = reglet.field(default=None, description="After how many days; null if never")
    password_reuse_prevention: int | None = reglet.field(
        default=None, description="How many old ones cannot be used again; null if all can"
    )
    hard_expiry: bool = reglet.field(default=False, description="Whether an expired one locks the user out")


@reglet.model
class PasswordPolicyOutput:
    """The account's password policy."""

    policy_exists: bool = reglet.field(description="Whether the account has one")
    password_policy: PasswordPolicy = reglet.field(description="What it asks for")


@reglet.model
class AccessKey:
    """An active access key; null means never, or not known."""

    user_name: str
    access_key_id: str
    status: str
    created: str
    last_used: str | None = None
    days_since_used: int | None = None
    never_used: bool = False


@reglet.model
class AccessKeysOutput:
    """The account's active access keys."""

    total_users: int = reglet.field(description="Users in the account")
    total_access_keys: int = reglet.field(description="Active keys of them all")
    access_keys: list[AccessKey] = reglet.field(description="Each of those keys")
    unused_keys_over_threshold: list[AccessKey] = reglet.field(
        description="Those not used for more than `threshold_days`, or never since they were made"
    )
