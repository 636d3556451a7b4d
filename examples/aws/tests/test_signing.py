"""Signatures, against those that AWS published."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from aws_plugin.credentials import Credentials
from aws_plugin.signing import Scope, canonical_query, signed_headers

CREDENTIALS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
SCOPE = Scope("us-east-1", "service")
MOMENT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)


@pytest.mark.parametrize(
    ("parameters", "signature"),
    [
        pytest.param(
            {}, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31", id="get-vanilla"
        ),
        pytest.param(
            {"Param2": "value2", "Param1": "value1"},
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            id="get-vanilla-query-order-key-case",
        ),
        pytest.param(
            {"Param1": "value1"},
            "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
            id="get-vanilla-empty-query-key",
        ),
        pytest.param(
            {"ሴ": "bar"},
            "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
            id="get-vanilla-utf8-query",
        ),
    ],
)
def test_a_signature_is_the_published_one(parameters: dict[str, str], signature: str) -> None:
    """Cases of AWS's Signature Version 4 test suite."""
    headers = signed_headers("example.amazonaws.com", canonical_query(parameters), CREDENTIALS, SCOPE, MOMENT)
    assert headers == {
        "x-amz-date": "20150830T123600Z",
        "authorization": "AWS4-HMAC-SHA256 "
        "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={signature}",
    }


def test_a_session_token_is_signed_too() -> None:
    """It is a header of its own."""
    credentials = Credentials("AKIDEXAMPLE", "secret", "token")
    headers = signed_headers("example.amazonaws.com", "", credentials, SCOPE, MOMENT)
    assert headers["x-amz-security-token"] == "token"
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token," in headers["authorization"]


def test_a_query_is_sorted_and_encoded() -> None:
    """As it is sent, so it is signed."""
    assert canonical_query({"b": "x y", "a": "1/2+3", "c~": ""}) == "a=1%2F2%2B3&b=x%20y&c~="


def test_secrets_do_not_show() -> None:
    """Neither the key nor the token."""
    assert repr(Credentials("AKID", "hidden", "hidden too")) == "Credentials(access_key_id='AKID')"
