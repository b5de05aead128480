"""What an order is made of, and what of it went back: lines and refunds, in the minor units of the order's currency."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from regulars import limits
from regulars.kit import Faults


class Line(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """A line of an order. `amount_minor` is for the whole quantity, before what the order as a whole is discounted by;
    `tags` and `collections` are its product's."""

    product_id: str = ""
    variant_id: str = ""
    title: str = ""
    quantity: int = 1
    amount_minor: int = 0
    tags: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()


class RefundLine(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """What came back of a line; `amount_minor` is the money that was given back for it."""

    product_id: str = ""
    variant_id: str = ""
    quantity: int = 1
    amount_minor: int = 0


class Refund(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One giving back of money, known by its id within the order. `amount_minor` is all of it: what it is more than its
    lines is shipping, or was not said of which line. `refunded_at` is None where its source does not say."""

    refund_id: str
    amount_minor: int
    refunded_at: datetime | None = None
    lines: tuple[RefundLine, ...] = ()


def united(
    kept: tuple[Refund, ...], kept_at: datetime, said: tuple[Refund, ...], said_at: datetime
) -> tuple[Refund, ...]:
    """The refunds of two lists, each as they stood at its time, in the order of their ids: the newer list, and of the
    older one what was paid back since the newer was true. Two of one time both count; what came last wins."""
    newer, older, since = (kept, said, kept_at) if said_at < kept_at else (said, kept, said_at)
    known = {refund.refund_id for refund in newer}
    missed = [
        refund
        for refund in older
        if refund.refund_id not in known
        and (said_at == kept_at or (refund.refunded_at is not None and refund.refunded_at >= since))
    ]
    return tuple(sorted((*newer, *missed), key=lambda refund: refund.refund_id))


def checked_lines(lines: Iterable[Line], faults: Faults) -> tuple[Line, ...]:
    """The same lines, trimmed; what can't be kept is noted as `lines[0].quantity`."""
    lines = tuple(lines)
    if len(lines) > limits.ORDER_LINES_MAX:
        faults.add("lines", f"at most {limits.ORDER_LINES_MAX:,} lines")
        return ()
    kept = []
    for n, line in enumerate(lines):
        at = f"lines[{n}]"
        _check_part(line, at, faults)
        if len(line.title) > limits.ORDER_TITLE_CHARS_MAX or "\x00" in line.title:
            faults.add(f"{at}.title", f"at most {limits.ORDER_TITLE_CHARS_MAX} characters")
        tags = checked_labels(line.tags, f"{at}.tags", faults)
        collections = checked_labels(line.collections, f"{at}.collections", faults)
        kept.append(msgspec.structs.replace(line, title=line.title.strip(), tags=tags, collections=collections))
    return tuple(kept)


def checked_refunds(refunds: Iterable[Refund], faults: Faults) -> tuple[Refund, ...]:
    """The same refunds, in the order of their ids; what can't be kept is noted as `refunds[0].refund_id`."""
    refunds = tuple(refunds)
    if len(refunds) > limits.ORDER_REFUNDS_MAX:
        faults.add("refunds", f"at most {limits.ORDER_REFUNDS_MAX:,} refunds")
        return ()
    kept: dict[str, Refund] = {}
    for n, refund in enumerate(refunds):
        at, id = f"refunds[{n}]", refund.refund_id.strip()
        if not 1 <= len(id) <= limits.ORDER_ID_CHARS_MAX or "\x00" in id:
            faults.add(f"{at}.refund_id", f"1 to {limits.ORDER_ID_CHARS_MAX} characters")
        elif id in kept:
            faults.add(f"{at}.refund_id", "an id that no other refund of the list has")
        if not 0 <= refund.amount_minor <= limits.AMOUNT_MINOR_MAX:
            faults.add(f"{at}.amount", f"0 to {limits.AMOUNT_MINOR_MAX:,}")
        if refund.refunded_at is not None and refund.refunded_at.tzinfo is None:
            faults.add(f"{at}.refunded_at", "a time with its offset from UTC")
        if len(refund.lines) > limits.ORDER_LINES_MAX:
            faults.add(f"{at}.lines", f"at most {limits.ORDER_LINES_MAX:,} lines")
        for m, line in enumerate(refund.lines[: limits.ORDER_LINES_MAX]):
            _check_part(line, f"{at}.lines[{m}]", faults)
        kept[id] = msgspec.structs.replace(refund, refund_id=id)
    return tuple(kept[id] for id in sorted(kept))


def _check_part(line: Line | RefundLine, at: str, faults: Faults) -> None:
    for field in ("product_id", "variant_id"):
        if len(getattr(line, field)) > limits.ORDER_ID_CHARS_MAX or "\x00" in getattr(line, field):
            faults.add(f"{at}.{field}", f"at most {limits.ORDER_ID_CHARS_MAX} characters")
    if not 0 <= line.quantity <= limits.ORDER_ITEMS_MAX:
        faults.add(f"{at}.quantity", f"0 to {limits.ORDER_ITEMS_MAX:,}")
    if not 0 <= line.amount_minor <= limits.AMOUNT_MINOR_MAX:
        faults.add(f"{at}.amount", f"0 to {limits.AMOUNT_MINOR_MAX:,}")


def checked_labels(labels: Iterable[str], field: str, faults: Faults) -> tuple[str, ...]:
    """Tags, collections or codes: trimmed, each once, none of them empty."""
    kept = tuple(dict.fromkeys(label for each in labels if (label := each.strip())))
    if len(kept) > limits.ORDER_LABELS_MAX:
        faults.add(field, f"at most {limits.ORDER_LABELS_MAX}")
        return ()
    if any(len(label) > limits.ORDER_LABEL_CHARS_MAX or "\x00" in label for label in kept):
        faults.add(field, f"each of at most {limits.ORDER_LABEL_CHARS_MAX} characters")
    return kept
