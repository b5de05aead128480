"""Counted things as people say them."""

import pytest

from regulars.kit.wording import counted


@pytest.mark.parametrize(
    ("count", "name", "said"),
    [
        (1, "coins", "1 coin"),
        (0, "coins", "0 coins"),
        (1_250, "stars", "1,250 stars"),
        (1, "Sparks", "1 Spark"),
        (1, "berries", "1 berries"),
        (1, "bonus", "1 bonus"),
        (1, "kisses", "1 kisses"),
        (1, "Münzen", "1 Münzen"),
        (1, "s", "1 s"),
    ],
)
def test_one_of_them_is_said_in_the_singular_where_that_is_plain(count: int, name: str, said: str) -> None:
    assert counted(count, name) == said
