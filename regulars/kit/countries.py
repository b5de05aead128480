"""The countries of ISO 3166-1, by their three-letter codes in lower case."""

from iso3166 import countries

NAMES = {country.alpha3.lower(): country.name for country in countries}

LISTED = sorted(NAMES.items(), key=lambda country: country[1])
"""For a list to choose from, by name."""
