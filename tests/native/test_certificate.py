"""What is shown of a certificate: Go's words for any that a server may show."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.name import _ASN1Type as Kind
from cryptography.x509.oid import NameOID

from reglet.infrastructure.native.trust import Certificate

KEY = ec.generate_private_key(ec.SECP256R1())
BEGIN, END = datetime(1950, 1, 1, tzinfo=UTC), datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
CN, ORG, OU = NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME


def encoded(subject=(), issuer=(), not_after=END):
    """Return a certificate with these names, each a list of RDNs or of an OID and a value."""

    def name(parts):
        rdns = [each if isinstance(each, list) else [each] for each in parts]
        return x509.Name(
            [x509.RelativeDistinguishedName([x509.NameAttribute(*one) for one in rdn]) for rdn in rdns]
        )

    builder = x509.CertificateBuilder(name(issuer), name(subject), KEY.public_key(), 1, BEGIN, not_after)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


def oid(dotted):
    """Return an object identifier."""
    return x509.ObjectIdentifier(dotted)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        (
            [
                (NameOID.COUNTRY_NAME, "DE"),
                (CN, "www.example.de"),
                (ORG, " Example, Inc. "),
                (OU, "#1"),
                (OU, "IT"),
                (NameOID.SERIAL_NUMBER, "HRB 1"),
                (NameOID.BUSINESS_CATEGORY, "Private"),
                (NameOID.EMAIL_ADDRESS, "a@example.de"),
                (NameOID.STATE_OR_PROVINCE_NAME, "Bayern"),
                (NameOID.LOCALITY_NAME, "München"),
                (NameOID.STREET_ADDRESS, "Weg 1"),
                (NameOID.POSTAL_CODE, "80331"),
            ],
            (
                r"SERIALNUMBER=HRB 1,CN=www.example.de,OU=\#1+OU=IT,O=\ Example\, Inc.\ ,POSTALCODE=80331,STREET=Weg 1,"
                "L=München,ST=Bayern,C=DE,1.2.840.113549.1.9.1=#0c0c61406578616d706c652e6465,"
                "2.5.4.15=#130750726976617465"
            ),
        ),
        ([(NameOID.USER_ID, "x" * 200)], "0.9.2342.19200300.100.1.1=#1381c8" + "78" * 200),
        ([(oid("2.999.1"), "é")], "2.999.1=#0c02c3a9"),
        ([(CN, "1"), (OU, "a"), (CN, "2")], "CN=2,OU=a"),
        ([[(ORG, "a"), (OU, "b")], (ORG, "c")], "OU=b,O=a+O=c"),
        ([(CN, 'a,b+c"d\\e<f>g;h'), (ORG, "#x "), (OU, " ")], r"CN=a\,b\+c\"d\\e\<f\>g\;h,OU=\ ,O=\#x\ "),
        ([(CN, "bmp é", Kind.BMPString), (ORG, "日本", Kind.UniversalString)], "CN=bmp é,O=日本"),
        ([(oid("2.5.4.45"), b"\0\1", Kind.BitString)], "2.5.4.45=#03020001"),
        ([], ""),
    ],
)
def test_names_are_written_as_go_writes_them(name, written):
    """In the order of its `pkix.Name`; what it does not know stands at the end, as hex of DER."""
    certificate = Certificate.parse(encoded(subject=name, issuer=[(CN, "issuer")]))
    assert (certificate.subject, certificate.issuer) == (written, "CN=issuer")
    assert Certificate.parse(encoded(issuer=name)).issuer == written


@pytest.mark.parametrize(
    ("tag", "value", "shown"),
    [
        (0x13, b"*.site & co", "*.site & co"),
        (0x13, b"some_site@x", "some_site@x"),
        (0x14, b"caf\xe9 (T61)", "café (T61)"),
        (0x14, b"caf\xc3\xa9 T61", "cafÃ© T61"),
        (0x0C, b"caf\xe9 Latin", "café Latin"),
        (0x16, b"caf\xc3\xa9 IA5", "café IA5"),
        (0x1E, b"\0a\0b\0c\0d\xd8\0\0", "\0a\0b\0c\0dØ\0\0"),
    ],
)
def test_characters_that_a_strings_type_lacks_are_shown(tag, value, shown):
    """Old authorities wrote them: T61 is Latin-1, a star is printable, what cannot be decoded is Latin-1 too."""
    placed = encoded([(CN, "PLACEHOLDER")]).replace(
        b"\x0c\x0bPLACEHOLDER", bytes([tag, 11]) + value.ljust(11)[:11]
    )
    assert Certificate.parse(placed).subject.rstrip("\\ ") == f"CN={shown}".rstrip()


@pytest.mark.parametrize(
    "end",
    [
        datetime(1951, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC),
        datetime(2050, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    ],
)
def test_dates_of_any_century_are_read(end):
    """Two digits of a year up to 2049, four from then on."""
    assert Certificate.parse(encoded(not_after=end)).not_after == end


@pytest.mark.parametrize("written", [b"3001020304+00", b"3013020304 5Z", b"3013020304055"])
def test_a_date_that_is_none_is_an_error(written):
    """The certificate cannot be read, and says so in one line."""
    with pytest.raises(ValueError, match="the server's certificate cannot be read"):
        Certificate.parse(encoded().replace(b"300102030405Z", written))


def test_no_cut_certificate_makes_the_reader_fall_over():
    """Cut anywhere, or with any byte changed."""
    whole = encoded([(CN, "a"), (ORG, "b")])
    for at in range(len(whole)):
        for broken in (
            whole[:at],
            whole[:at] + b"\xff" + whole[at + 1 :],
            whole[:at] + b"\0" + whole[at + 1 :],
        ):
            with suppress(ValueError):
                Certificate.parse(broken)
