"""Where AWS answers: hosts differ between its partitions, China and GovCloud among them."""

from __future__ import annotations

from attrs import frozen

HOSTS = (
    "ec2.*.amazonaws.com",
    "ec2.*.amazonaws.com.cn",
    "iam.amazonaws.com",
    "iam.us-gov.amazonaws.com",
    "iam.cn-north-1.amazonaws.com.cn",
)
"""Every host that may be asked."""


@frozen
class Endpoint:
    """A host, and the region that its requests are signed for."""

    host: str
    region: str

    @classmethod
    def of_region(cls, service: str, region: str) -> Endpoint:
        """Return where a service answers for one region."""
        domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        return cls(f"{service}.{region}.{domain}", region)

    @classmethod
    def of_iam(cls, region: str) -> Endpoint:
        """Return where IAM answers for all regions of a partition: that of `region`, or the usual one."""
        if region.startswith("cn-"):
            return cls("iam.cn-north-1.amazonaws.com.cn", "cn-north-1")
        if region.startswith("us-gov-"):
            return cls("iam.us-gov.amazonaws.com", "us-gov-west-1")
        return cls("iam.amazonaws.com", "us-east-1")
