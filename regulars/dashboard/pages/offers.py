"""Offers: what coins buy or what is given, built with their sentence and their coupon beside; lists of codes."""

import io
from typing import Any, NamedTuple

import msgspec
from litestar import Response, get, post

from regulars import limits, rewards
from regulars.dashboard.cells import Badge, Lines, Link, Send
from regulars.dashboard.coupons import card_of
from regulars.dashboard.declaring import act
from regulars.dashboard.desk import Desk, Form, Handed
from regulars.dashboard.lists import SWITCHED, Act, Asked, Column, Filter, Found, Listing, part_of, switched
from regulars.dashboard.sheets import TICK, Field, Given, Shown, fields_of, read, sheet
from regulars.engagement import segments
from regulars.kit import Reading, Refusal, Tx, counted, invalid, money
from regulars.rewards import Offer, Terms, Uploaded

_WHEN = {
    "value": ("discount", "amount", "percent"),
    "value_max": ("discount", "percent"),
    "targets": ("target", "products", "collections"),
    "coins": ("price", "fixed", "dynamic"),
    **dict.fromkeys(("steps_min", "steps_max"), ("price", "dynamic")),
    "code_prefix": ("code", "generated"),
    "fixed_code": ("code", "fixed"),
    "codes_low": ("code", "list"),
}
_PATTERNS = {
    "code_prefix": ("[A-Z0-9-]{0,12}", "up to 12 capital letters, digits and hyphens"),
    "fixed_code": ("[A-Za-z0-9_-]{0,40}", "up to 40 letters, digits, hyphens and underscores"),
}


def _field(name: str, field: Field) -> Field:
    """An empty number is none; of steps one."""
    pattern, expected = _PATTERNS.get(name, ("", ""))
    field = msgspec.structs.replace(field, when=_WHEN.get(name, ()), pattern=pattern, expected=expected)
    if name == "segments":
        return Field("texts", optional=True, blank=())
    if field.kind in ("whole", "number"):
        return msgspec.structs.replace(field, optional=True, blank=1 if name.startswith("steps") else 0)
    return field


_FLAGS = ("active", "show_in_widget", "public")
_TERMS = {name: _field(name, field) for name, field in fields_of(Terms).items()}
_FIELDS = {"name": Field(chars_max=limits.NAME_CHARS_MAX), **dict.fromkeys(_FLAGS, TICK)} | _TERMS


class Told(NamedTuple):
    """`codes_left` is None where codes come from no list."""

    offer: Offer
    sentence: str
    codes_left: int | None

    @property
    def few(self) -> bool:
        return self.codes_left is not None and self.codes_left <= self.offer.terms.codes_low


async def told(desk: Desk, tx: Reading, found: list[Offer]) -> list[Told]:
    left = await rewards.codes_left(tx, desk.id, [one.id for one in found if one.terms.code == "list"])
    return [Told(one, rewards.offer_sentence(one.terms, desk.workspace), left.get(one.id)) for one in found]


async def _read(desk: Desk, tx: Reading, asked: Asked) -> Found[Told]:
    state = asked.chosen("state")
    every = await rewards.list_offers(tx, desk.id)
    part = part_of([one for one in every if state in (None, "active" if one.active else "off")], asked)
    return Found(await told(desk, tx, part.rows), part.next)


def _issued(row: Told) -> Any:
    terms = row.offer.terms
    if terms.stock:
        left = max(0, terms.stock - row.offer.issued)
        return [f"{row.offer.issued:,} of {terms.stock:,}", Badge("care", "All gone") if not left else ""]
    return f"{row.offer.issued:,}" if terms.counted else "No limit"


def _codes(row: Told) -> Any:
    if row.codes_left is None:
        return {"generated": "Drawn", "fixed": "One for all", "partner": "Another shop’s"}[row.offer.terms.code]
    said = f"{row.codes_left:,} left"
    return Badge("care" if row.codes_left else "bad", said) if row.few else said


def _order(row: Told) -> Send:
    return Send(f"/offers/{row.offer.id}/place", "move", (("up", "Up"), ("down", "Down")), row.offer.name)


OFFERS = Listing[Told](
    path="/offers",
    purpose="What {coins} buy, or what you give: in the order in which the rewards widget shows it.",
    columns=[
        Column("Name", lambda row: Link(row.offer.name, f"/offers/{row.offer.id}")),
        Column("What it gives", lambda row: Lines([row.sentence])),
        Column("State", lambda row: switched(row.offer.active)),
        Column("Issued", _issued, right=True),
        Column("Codes", _codes, right=True),
        Column("Order", _order, only="page"),
    ],
    read=_read,
    nothing="No offers yet",
    nothing_why="An offer gives customers a reason to come back: {symbol}5 off for 500 {coins}, or free shipping.",
    filters=[Filter("state", "State", "Any state", SWITCHED)],
    acts=[Act("Create an offer", "/offers/new", dialog=True)],
)


def _terms(form: Form, given: Given) -> Terms:
    """What the fields hold, each as its type says; what does not fit is noted in the form."""
    fit = {}
    for name in [name for name in _TERMS if name in given]:
        try:
            fit[name] = getattr(msgspec.convert({name: given[name]}, Terms), name)
        except msgspec.ValidationError:
            number = _TERMS[name].kind in ("whole", "number")
            form.faults.add(name, f"at most {limits.COINS_MAX:,}" if number else "fewer or shorter lines of text")
    return Terms(**fit)


async def _blank(desk: Desk, tx: Reading) -> Shown:
    values = msgspec.structs.asdict(Terms(price="fixed")) | {"active": True, "show_in_widget": True}
    return Shown(values, more={"segments": await _segments(desk, tx)})


async def _segments(desk: Desk, tx: Reading) -> list[tuple[str, str]]:
    return [(str(one.id), one.name) for one in await segments.list_segments(tx, desk.id)]


@sheet("/offers/new", "Create an offer", "offer_new", _FIELDS, yes="Create", act="offer.create", load=_blank)
async def create(desk: Desk, tx: Tx, given: Given, shown: Shown) -> Response[Any]:
    name, terms = given["name"], _terms(await desk.form(), given)
    flags = {flag: given[flag] for flag in _FLAGS}
    desk.about(name)
    made = await rewards.create_offer(tx, desk.workspace, name, terms, desk.now, actor=desk.who.actor, **flags)
    if terms.code == "list":
        return desk.see(f"/offers/{made.id}/codes", "The offer is created. Now give it its codes.")
    return desk.see(f"/offers/{made.id}", "The offer is created.")


@post("/offers/sentence")
async def said(desk: Handed) -> Response[str]:
    """What is being typed, as a sentence and as a coupon; or what is still missing."""
    form = await desk.form()
    terms = _terms(form, read(desk, _TERMS, form))
    missing = ""
    try:
        form.check()
        _, terms = rewards.checked(form.text("name") or "An offer", terms, desk.workspace)
    except Refusal as refusal:
        missing = next(iter(form.refused(refusal).errors.values()), refusal.message)
    words = "" if missing else rewards.offer_sentence(terms, desk.workspace)
    return desk.page(
        "pages/offer_said.html",
        sentence=words,
        missing=missing,
        coupon=None if missing else card_of(terms, desk.workspace),
    )


async def _load(desk: Desk, tx: Reading) -> Shown:
    offer = await rewards.find_offer(tx, desk.id, desk.key)
    (row,) = await told(desk, tx, [offer])
    versions = await rewards.versions_of(tx, desk.id, offer.id)
    more = {
        "told": row,
        "segments": await _segments(desk, tx),
        "coupon": card_of(offer.terms, desk.workspace),
        "tally": await rewards.tally(tx, desk.id, offer.id),
        "versions": [(one, rewards.offer_sentence(one.terms, desk.workspace)) for one in versions],
        "budget": money(offer.terms.budget, desk.workspace.currency_code, desk.workspace.currency_symbol),
    }
    values = msgspec.to_builtins(offer.terms) | {name: getattr(offer, name) for name in _FIELDS if name not in _TERMS}
    return Shown(values, offer, offer.name, more=more)


@sheet("/offers/{id:uuid}", "", "offer", _FIELDS, act="offer.update", load=_load)
async def change(desk: Desk, tx: Tx, given: Given, shown: Shown) -> str:
    changes = {name: given[name] for name in _FIELDS if name not in _TERMS}
    changes["terms"] = _terms(await desk.form(), given)
    changed = await rewards.change_offer(tx, desk.workspace, desk.key, changes, desk.now, actor=desk.who.actor)
    return f"Saved as version {changed.version}." if changed.version != shown.thing.version else ""


@act("/offers/{id:uuid}/place", "offer.update", "/offers")
async def move(desk: Desk, tx: Tx) -> None:
    by = -1 if (await desk.form()).text("move") == "up" else 1
    place = max(1, (await rewards.find_offer(tx, desk.id, desk.key)).place + by)
    await rewards.change_offer(tx, desk.workspace, desk.key, {"place": place}, desk.now, actor=desk.who.actor)


async def _codes_page(desk: Desk, form: Form, came: Uploaded | None = None, status: int = 200) -> Response[str]:
    async with desk.reading() as tx:
        (row,) = await told(desk, tx, [await rewards.find_offer(tx, desk.id, desk.key)])
    many = limits.CODES_UPLOADED_MAX
    return desk.page("pages/codes.html", status=status, told=row, form=form, came=came, codes_max=many)


@get("/offers/{id:uuid}/codes")
async def codes(desk: Handed) -> Response[str]:
    return await _codes_page(desk, desk.blank())


@post("/offers/{id:uuid}/codes", request_max_body_size=limits.UPLOAD_BYTES_MAX + limits.BODY_BYTES_MAX)
async def take_codes(desk: Handed) -> Response[str]:
    """Looked at first, then taken. What was in a file that is not too long stands in the text from then on, so that it
    need not be chosen again."""
    form = await desk.form()
    upload, text = form.files.get("file"), form.typed("codes")
    lines = rewards.lines_of(upload.file) if upload and upload.filename else rewards.lines_of(io.BytesIO(text.encode()))
    rehearsed = form.text("act") != "take"
    try:
        if not any(lines):
            raise invalid("codes", "a file of codes, or codes, each on its line")
        async with desk.app.db.transaction() as tx:
            came = await rewards.upload(tx, desk.id, desk.key, lines, rehearsed=rehearsed)
            if not rehearsed:
                await desk.audit(tx, "offer.codes", desk.key, added=came.added, refused=came.refused)
    except Refusal as refusal:
        if refusal.status == 404:
            raise
        return await _codes_page(desk, form.refused(refusal), status=422)
    if not rehearsed:
        return desk.see(f"/offers/{desk.key}", f"{counted(came.added, 'codes')} added; {came.left:,} are left.")
    whole = "\n".join(lines)
    form.values["codes"] = whole if len(whole) * 3 < limits.FORM_TEXT_BYTES_MAX else text
    return await _codes_page(desk, form, came)
