"""The records of the ports."""

from __future__ import annotations

from reglet.domain.entities.records import HTTPRequest, HTTPResponse


def test_a_header_may_be_one_text_or_several():
    """Both become the same shape."""
    assert HTTPRequest("GET", "u", {"A": "1", "B": ["2", "3"]}).headers == {"A": ("1",), "B": ("2", "3")}


def test_a_header_is_found_whatever_its_case():
    """Servers spell header names as they like."""
    response = HTTPResponse(200, {"content-type": "text/plain"})
    assert (response.header("Content-Type"), response.header("X")) == ("text/plain", None)
