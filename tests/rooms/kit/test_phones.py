"""However a number was typed, there is one form of it."""

from __future__ import annotations

import pytest

from regulars.kit.phones import international


@pytest.mark.parametrize(
    ("typed", "countries", "found"),
    [
        ("919800000000", ("ind",), "+919800000000"),
        ("919800000000", (), "+919800000000"),
        ("919800000000", ("usa",), "+919800000000"),
        ("9800000000", ("ind",), "+919800000000"),
        ("9800000000", ("", "ind"), "+919800000000"),
        ("9800000000", (), ""),
        ("+91 98000 00000", (), "+919800000000"),
        ("+91 98000-00000", ("deu",), "+919800000000"),
        ("0151 12345678", ("deu",), "+4915112345678"),
        ("0151/123 456 78", ("deu",), "+4915112345678"),
        ("0049 151 12345678", ("usa",), "+4915112345678"),
        ("+1 (415) 555-0132", (), "+14155550132"),
        ("(415) 555-0132", ("usa",), "+14155550132"),
        ("(415) 555-0132", ("fra", "usa"), "+14155550132"),
        ("+123456789012345", ("usa",), ""),
        ("1234", ("usa",), ""),
        ("no number", ("usa",), ""),
        ("+", ("usa",), ""),
        ("", ("usa",), ""),
        ("9800000000", ("xyz",), ""),
    ],
)
def test_one_form(typed: str, countries: tuple[str, ...], found: str) -> None:
    assert international(typed, *countries) == found
