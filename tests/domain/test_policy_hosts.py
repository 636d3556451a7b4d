"""Hosts have one spelling, and addresses of special use are known in every one of theirs."""

# ruff: noqa: RUF001 - look-alike characters are what is tested

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reglet.domain.policy.network import InvalidHostError, Target, canonical_host, parse_address, special_use

SPELLINGS = {
    "127.0.0.1": [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "0x7f.1",
        "0x7F000001",
        "2130706433",
        "017700000001",
        "0177.0.0.01",
        "127.0.0.1.",
        "[::ffff:127.0.0.1]",
        "::ffff:7f00:1",
        "１２７.０.０.１",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "0x7f.0x0.0x0.0x1",
        "[::FFFF:127.0.0.1]",
    ],
    "::1": ["::1", "[::1]", "0:0:0:0:0:0:0:1", "[0000::0001]"],
    "example.com": ["example.com", "EXAMPLE.com", "example.com.", "ＥＸＡＭＰＬＥ.com", "example。com"],
    "xn--bcher-kva.example": ["bücher.example", "BÜCHER.example", "xn--bcher-kva.example"],
    "_dmarc.example.com": ["_dmarc.Example.COM."],
}

REFUSED = [
    "", ".", "..", "a..b", ".a", "a b", "a\tb", "a/b", "a@b", "a:b", "a%2eb", "fe80::1%eth0", "[fe80::1%25eth0]",
    "[127.0.0.1]", "[::1", "::1]", "1.2.3.4.5", "256.1.1.1", "1.2.3.256", "0x100.1.1.1", "4294967296", "08.1.1.1",
    "foo.123", "a.0x7f", "-a.com", "a-.com", "a" * 64 + ".com", "a." * 130 + "com", "faß.de", "a\u200db.com",
    "a\\b", "a\0b", "*", "{a,b}", "℀.com", "a／b", "[::ffff:1.2.3]", "1.2.3.4/24", "a?b", "a#b",
]  # fmt: skip


@pytest.mark.parametrize(
    ("host", "text"), [(host, text) for host, texts in SPELLINGS.items() for text in texts]
)
def test_every_spelling_comes_down_to_one(host, text):
    """What is checked is what is dialled, whatever the spelling was."""
    assert canonical_host(text) == host


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_neither_a_name_nor_an_address_is_refused(text):
    """Zone ids, escapes, stray separators, bad numbers: none is guessed at."""
    with pytest.raises(InvalidHostError):
        canonical_host(text)


@given(st.integers(0, 2**32 - 1))
def test_all_ways_to_write_an_ipv4_address_are_read_alike(value):
    """Decimal, hexadecimal, octal, short and mapped forms are one address."""
    address = IPv4Address(value)
    a, rest = value >> 24, value & 0xFFFFFF
    for text in (
        str(address),
        str(value),
        hex(value),
        f"0{value:o}",
        f"{a}.{rest}",
        f"{hex(a)}.{rest}",
        f"::ffff:{address}",
    ):
        assert parse_address(text) == address


@given(st.text(max_size=30))
def test_a_canonical_host_stays_as_it_is(text):
    """Canonical texts are fixed points, and nothing but InvalidHostError is ever raised."""
    try:
        host = canonical_host(text)
    except InvalidHostError:
        return
    assert canonical_host(host) == host
    assert host.isascii()


def test_a_target_has_one_spelling():
    """Name or address, it is equal to any other spelling of it, and says what it is."""
    assert Target.of("API.Example.com.", 443) == Target.of("api.example.com", 443)
    assert str(Target.of("[0:0::1]", 80)) == "[::1]:80"
    assert Target.of("0x7f.1", 80).address == ip_address("127.0.0.1")


SPECIAL = [
    ("0.0.0.0", "unspecified"), ("::", "unspecified"), ("127.8.8.8", "loopback"), ("::1", "loopback"),
    ("10.0.0.1", "private"), ("172.31.255.255", "private"), ("192.168.1.1", "private"), ("fd00::1", "private"),
    ("fec0::1", "private"), ("100.64.0.1", "shared (carrier NAT)"), ("169.254.1.1", "link-local"),
    ("fe80::1", "link-local"), ("224.0.0.1", "multicast"), ("ff02::1", "multicast"),
    ("255.255.255.255", "broadcast"), ("0.1.2.3", "this-network"), ("192.0.0.1", "protocol"),
    ("192.0.2.1", "documentation"), ("2001:db8::1", "documentation"), ("198.18.0.1", "benchmark"),
    ("240.0.0.1", "reserved"), ("169.254.169.254", "cloud metadata"), ("fd00:ec2::254", "cloud metadata"),
    ("168.63.129.16", "cloud metadata"), ("100.100.100.200", "cloud metadata"), ("64:ff9b:1::1", "NAT64"),
    ("64:ff9b::a00:1", "private"), ("64:ff9b::a9fe:a9fe", "cloud metadata"), ("::ffff:10.0.0.1", "private"),
    ("2002:7f00:1::", "6to4"), ("2001::1", "Teredo"), ("::7f00:1", "reserved"), ("4000::1", "reserved"),
    ("100::1", "reserved"), ("5f00::1", "reserved"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "use"), SPECIAL)
def test_an_address_of_special_use_is_known(text, use):
    """Every range that a server-side request could be forged to is named."""
    assert special_use(ip_address(text)) == use


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808"]
)
def test_a_public_address_is_of_no_special_use(text):
    """Public addresses, and public IPv4 behind NAT64, are plain."""
    assert special_use(ip_address(text)) == ""


@given(st.one_of(st.integers(0, 2**32 - 1).map(IPv4Address), st.integers(0, 2**128 - 1).map(IPv6Address)))
def test_whatever_the_standard_library_calls_private_is_special(address):
    """`ipaddress` is a plain specification of a part of it."""
    if (
        address.is_private
        or address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
    ):
        assert special_use(address)
