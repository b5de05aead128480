"""Codes: drawn, of one for everybody, or of a list that the shop uploads."""

import io
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import BinaryIO
from uuid import UUID

import msgspec

from regulars import limits
from regulars.kit import Reading, Tx, invalid
from regulars.rewards import store
from regulars.rewards.model import Offer, Terms
from regulars.rewards.store import sql

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without 0 and O, 1 and I, which people take for each other: 32 signs, so that each byte draws one evenly."""

_CODE = re.compile(rf"[!-~]{{1,{limits.COUPON_CODE_CHARS_MAX}}}")


class RefusedCode(msgspec.Struct, frozen=True):
    """A code of an upload that was not taken in, by its line, from 1."""

    line: int
    code: str
    why: str


class Uploaded(msgspec.Struct, frozen=True):
    """What came, or would come, of a list of codes: how many are new, how many are not and the first of those by
    name, and how many the offer then has left."""

    added: int
    refused: int
    named: list[RefusedCode]
    left: int


def key_of(code: str) -> str:
    """Codes are told apart whatever their case, as checkouts do."""
    return code.strip().upper()


def drawn(terms: Terms) -> str:
    return terms.code_prefix + "".join(secrets.choice(ALPHABET) for _ in range(limits.COUPON_CODE_CHARS))


async def take(tx: Tx, workspace_id: UUID, wanted: Mapping[UUID, tuple[Offer, int]]) -> dict[UUID, list[str]]:
    """So many codes for each offer, by its id: of a list as many as there are, if fewer."""
    found: dict[UUID, list[str]] = {}
    for id, (offer, many) in sorted(wanted.items()):
        match offer.terms.code:
            case "generated":
                found[id] = [drawn(offer.terms) for _ in range(many)]
            case "fixed":
                found[id] = [offer.terms.fixed_code] * many
            case "partner":
                found[id] = []  # whoever has the offer hands them on
            case "list":
                found[id] = [row["code"] for row in await tx.fetch(sql.take_codes, workspace_id, id, many)]
    return found


def lines_of(file: BinaryIO) -> list[str]:
    """A text's codes, one on each line, of a CSV the first column; no more than one too many."""
    with io.TextIOWrapper(file, "utf-8-sig", "replace") as text:
        return [line.split(",")[0].strip().strip('"') for line in islice(text, limits.CODES_UPLOADED_MAX + 1)]


async def upload(tx: Tx, workspace_id: UUID, offer_id: UUID, lines: Sequence[str], *, rehearsed: bool) -> Uploaded:
    """Add a list's codes to an offer, a line each; what is known already, or comes twice, is refused by line.
    `rehearsed`: only say what would come of it. Raises Invalid, UnknownOffer. Locks the offer."""
    offer = await store.lock_offer(tx, workspace_id, offer_id)
    if offer.terms.code != "list":
        raise invalid("codes", "an offer whose codes are of a list")
    if len(lines) > limits.CODES_UPLOADED_MAX:
        raise invalid("codes", f"at most {limits.CODES_UPLOADED_MAX:,} codes at once")
    refused: list[RefusedCode] = []
    fresh: dict[str, tuple[int, str]] = {}
    for n, line in enumerate(lines, 1):
        code, key = line.strip(), key_of(line)
        if not code:
            continue
        if not _CODE.fullmatch(code):
            refused.append(RefusedCode(n, code[:40], f"up to {limits.COUPON_CODE_CHARS_MAX} letters, digits and signs"))
        elif key in fresh:
            refused.append(RefusedCode(n, code, f"stands in line {fresh[key][0]} already"))
        else:
            fresh[key] = n, code
    keys = list(fresh)
    if rehearsed:
        taken = {row["code_key"] for row in await tx.fetch(sql.taken_codes, workspace_id, keys)}
    else:
        before = await tx.fetchval(sql.next_code, workspace_id, offer_id)
        arguments = (offer_id, keys, [code for _, code in fresh.values()], before)
        taken = fresh.keys() - {row["code_key"] for row in await tx.fetch(sql.insert_codes, workspace_id, *arguments)}
    refused += [RefusedCode(*fresh[key], "is known already") for key in keys if key in taken]
    refused.sort(key=lambda one: one.line)
    left = (await codes_left(tx, workspace_id, [offer_id]))[offer_id] + (len(fresh) - len(taken) if rehearsed else 0)
    return Uploaded(len(fresh) - len(taken), len(refused), refused[: limits.CODES_NAMED_MAX], left)


async def codes_left(tx: Reading, workspace_id: UUID, offer_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Of the lists, by offer."""
    rows = await tx.fetch(sql.codes_left, workspace_id, list(offer_ids))
    return {row["offer_id"]: row["codes"] for row in rows}
