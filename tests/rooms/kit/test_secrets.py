"""What is sealed can be read with the same key, for the same thing, unchanged; and not otherwise."""

from collections.abc import Callable

import pytest

from regulars.kit.ids import new_id
from regulars.kit.secrets import SecretBox, Unreadable, new_token, same, token_hash

KEY = "a key of the tests, which is long enough"
FIELDS = {"api_key": "ürgent", "other": ""}


def test_what_is_sealed_comes_back() -> None:
    workspace_id, thing_id = new_id(), new_id()
    sealed = SecretBox(KEY).seal(FIELDS, workspace_id=workspace_id, thing_id=thing_id)

    assert SecretBox(KEY).open(sealed, workspace_id=workspace_id, thing_id=thing_id) == FIELDS
    assert "ürgent".encode() not in sealed
    assert SecretBox(KEY).seal(FIELDS, workspace_id=workspace_id, thing_id=thing_id) != sealed


def test_for_another_thing_with_another_key_or_changed_it_does_not() -> None:
    box, workspace_id, thing_id = SecretBox(KEY), new_id(), new_id()
    sealed = box.seal(FIELDS, workspace_id=workspace_id, thing_id=thing_id)

    attempts: list[Callable[[], object]] = [
        lambda: box.open(sealed, workspace_id=new_id(), thing_id=thing_id),
        lambda: box.open(sealed, workspace_id=workspace_id, thing_id=new_id()),
        lambda: box.open(sealed, workspace_id=thing_id, thing_id=workspace_id),
        lambda: SecretBox(KEY + "!").open(sealed, workspace_id=workspace_id, thing_id=thing_id),
        lambda: box.open(sealed[:-1] + bytes([sealed[-1] ^ 1]), workspace_id=workspace_id, thing_id=thing_id),
        lambda: box.open(b"\x02" + sealed[1:], workspace_id=workspace_id, thing_id=thing_id),
        lambda: box.open(b"", workspace_id=workspace_id, thing_id=thing_id),
        lambda: box.open(sealed[:9], workspace_id=workspace_id, thing_id=thing_id),
    ]
    for attempt in attempts:
        with pytest.raises(Unreadable):
            attempt()


def test_a_key_that_is_too_short_is_none() -> None:
    with pytest.raises(ValueError, match="REGULARS_SECRET_KEY"):
        SecretBox("short")


def test_tokens() -> None:
    token = new_token("rg_")
    assert token.startswith("rg_")
    assert new_token("rg_") != token
    assert len(token_hash(token)) == 32
    assert same(token, token.encode())
    assert not same(token, token[:-1])
