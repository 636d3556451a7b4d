"""One call of each operation, with what AWS answers: shown to people and run as tests.

They need keys in the environment, but any will do: nothing is asked of AWS.
"""

from __future__ import annotations

import reglet
from aws_plugin.groups import IngressRule, SecurityGroup, SecurityGroupsOutput
from aws_plugin.instances import Instance, InstancesOutput, MetadataOptions
from aws_plugin.models import (
    AccessKey,
    AccessKeysInput,
    AccessKeysOutput,
    AccountInput,
    AccountSummary,
    EC2Input,
    PasswordPolicy,
    PasswordPolicyOutput,
)
from reglet import answers

_GROUP = SecurityGroup(
    group_id="sg-1",
    group_name="web",
    vpc_id="vpc-1",
    tags={"Name": "web"},
    ingress_rules=[IngressRule("tcp", from_port=22, to_port=22, cidr_blocks=["0.0.0.0/0"])],
)
_INSTANCE = Instance(
    instance_id="i-1",
    instance_type="t3.micro",
    state="running",
    imdsv2_enforced=False,
    metadata_options=MetadataOptions("optional", "enabled"),
)

DESCRIBE_SECURITY_GROUPS = [
    reglet.Example(
        "open_ssh",
        EC2Input(region="eu-west-1", filters={"vpc-id": ["vpc-1"]}),
        description="A group that lets anyone in at port 22",
        expected_output=SecurityGroupsOutput(
            region="eu-west-1",
            total_groups=1,
            security_groups=[_GROUP],
            open_ssh_groups=[_GROUP],
            open_rdp_groups=[],
        ),
        answers=[
            answers.http(
                "https://ec2.eu-west-1.amazonaws.com/?Action=DescribeSecurityGroups*",
                body="""<DescribeSecurityGroupsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
  <securityGroupInfo><item>
    <groupId>sg-1</groupId><groupName>web</groupName><vpcId>vpc-1</vpcId>
    <ipPermissions><item>
      <ipProtocol>tcp</ipProtocol><fromPort>22</fromPort><toPort>22</toPort>
      <ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges>
    </item></ipPermissions>
    <tagSet><item><key>Name</key><value>web</value></item></tagSet>
  </item></securityGroupInfo>
</DescribeSecurityGroupsResponse>""",
            )
        ],
    ),
    reglet.Example(
        "denied",
        EC2Input(region="eu-west-1"),
        description="An account that may not look",
        expected_error="AWS permission denied: UnauthorizedOperation",
        answers=[
            answers.http(
                "https://ec2.eu-west-1.amazonaws.com/?*",
                status_code=403,
                body="<Response><Errors><Error><Code>UnauthorizedOperation</Code>"
                "<Message>You are not authorized</Message></Error></Errors></Response>",
            )
        ],
    ),
]

DESCRIBE_INSTANCES_METADATA = [
    reglet.Example(
        "imdsv1_allowed",
        EC2Input(region="eu-west-1"),
        description="An instance whose metadata service answers without a token",
        expected_output=InstancesOutput(
            region="eu-west-1", total_instances=1, instances=[_INSTANCE], non_compliant_instances=[_INSTANCE]
        ),
        answers=[
            answers.http(
                "https://ec2.eu-west-1.amazonaws.com/?Action=DescribeInstances*",
                body="""<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
  <reservationSet><item><instancesSet><item>
    <instanceId>i-1</instanceId><instanceType>t3.micro</instanceType>
    <instanceState><name>running</name></instanceState>
    <metadataOptions><httpTokens>optional</httpTokens><httpEndpoint>enabled</httpEndpoint></metadataOptions>
  </item></instancesSet></item></reservationSet>
</DescribeInstancesResponse>""",
            )
        ],
    )
]

GET_ACCOUNT_SUMMARY = [
    reglet.Example(
        "root_with_mfa",
        AccountInput(),
        description="An account whose root user has MFA",
        expected_output=AccountSummary(
            root_mfa_enabled=True,
            users=3,
            groups=1,
            roles=12,
            policies=2,
            mfa_devices=4,
            mfa_devices_in_use=3,
            access_keys_per_user_quota=2,
        ),
        answers=[
            answers.http(
                "https://iam.amazonaws.com/?Action=GetAccountSummary*",
                body="""<GetAccountSummaryResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
  <GetAccountSummaryResult><SummaryMap>
    <entry><key>AccountMFAEnabled</key><value>1</value></entry>
    <entry><key>Users</key><value>3</value></entry>
    <entry><key>Groups</key><value>1</value></entry>
    <entry><key>Roles</key><value>12</value></entry>
    <entry><key>Policies</key><value>2</value></entry>
    <entry><key>MFADevices</key><value>4</value></entry>
    <entry><key>MFADevicesInUse</key><value>3</value></entry>
    <entry><key>AccessKeysPerUserQuota</key><value>2</value></entry>
  </SummaryMap></GetAccountSummaryResult>
</GetAccountSummaryResponse>""",
            )
        ],
    )
]

GET_ACCOUNT_PASSWORD_POLICY = [
    reglet.Example(
        "strict",
        AccountInput(),
        description="A policy with a length and an age",
        expected_output=PasswordPolicyOutput(
            policy_exists=True,
            password_policy=PasswordPolicy(
                minimum_length=14, require_symbols=True, expire_passwords=True, max_age_days=90
            ),
        ),
        answers=[
            answers.http(
                "https://iam.amazonaws.com/?Action=GetAccountPasswordPolicy*",
                body="""<GetAccountPasswordPolicyResponse>
  <GetAccountPasswordPolicyResult><PasswordPolicy>
    <MinimumPasswordLength>14</MinimumPasswordLength><RequireSymbols>true</RequireSymbols>
    <ExpirePasswords>true</ExpirePasswords><MaxPasswordAge>90</MaxPasswordAge>
  </PasswordPolicy></GetAccountPasswordPolicyResult>
</GetAccountPasswordPolicyResponse>""",
            )
        ],
    ),
    reglet.Example(
        "none",
        AccountInput(),
        description="An account without a policy",
        expected_output=PasswordPolicyOutput(policy_exists=False, password_policy=PasswordPolicy()),
        answers=[
            answers.http(
                "https://iam.amazonaws.com/?Action=GetAccountPasswordPolicy*",
                status_code=404,
                body="<ErrorResponse><Error><Code>NoSuchEntity</Code>"
                "<Message>The Password Policy cannot be found</Message></Error></ErrorResponse>",
            )
        ],
    ),
]

_NEVER_USED = AccessKey("ann", "AKIAEXAMPLE", "Active", "2020-01-01T00:00:00Z", never_used=True)

LIST_ACCESS_KEYS = [
    reglet.Example(
        "never_used",
        AccessKeysInput(threshold_days=30),
        description="A key that was made long ago and never used",
        expected_output=AccessKeysOutput(1, 1, [_NEVER_USED], [_NEVER_USED]),
        answers=[
            answers.http(
                "https://iam.amazonaws.com/?Action=ListUsers*",
                body="""<ListUsersResponse><ListUsersResult><Users>
  <member><UserName>ann</UserName></member>
</Users></ListUsersResult></ListUsersResponse>""",
            ),
            answers.http(
                "https://iam.amazonaws.com/?Action=ListAccessKeys*",
                body="""<ListAccessKeysResponse><ListAccessKeysResult><AccessKeyMetadata>
  <member>
    <UserName>ann</UserName><AccessKeyId>AKIAEXAMPLE</AccessKeyId>
    <Status>Active</Status><CreateDate>2020-01-01T00:00:00Z</CreateDate>
  </member>
</AccessKeyMetadata></ListAccessKeysResult></ListAccessKeysResponse>""",
            ),
            answers.http(
                "https://iam.amazonaws.com/?*Action=GetAccessKeyLastUsed*",
                body="""<GetAccessKeyLastUsedResponse><GetAccessKeyLastUsedResult><AccessKeyLastUsed>
  <LastUsedDate>N/A</LastUsedDate>
</AccessKeyLastUsed></GetAccessKeyLastUsedResult></GetAccessKeyLastUsedResponse>""",
            ),
        ],
    )
]
