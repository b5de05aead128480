"""A template and what is known, made into what is sent. What each e-mail ends with, and the question of a double
opt-in, are ours to say, and no template's."""

import json
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from regulars import customers, events
from regulars.customers import Customer
from regulars.engagement.messages import markup, mjml
from regulars.engagement.messages.liquid import THINGS, fill
from regulars.engagement.messages.markup import Unfit
from regulars.engagement.messages.model import Channel, Content
from regulars.tenancy import Workspace

_WORDS: dict[str, list[str]] = json.loads(Path(__file__).with_name("confirm.json").read_text(encoding="utf-8"))
Said = Mapping[str, Any]
Lead = Callable[[str], str]
_WAY = "customer.preferences_link"


def opt_in(shop: Workspace) -> Content:
    """The question whether an address is theirs."""
    subject, body, _ = _words(shop)
    return Content(subject=subject, body=body, body_type="text")


def _words(shop: Workspace) -> list[str]:
    return _WORDS.get(str((shop.settings.get("storefront") or {}).get("language")), _WORDS["en"])


def facts(
    shop: Workspace,
    customer: Customer,
    available: int,
    body: Said | None,
    coupon: Said | None = None,
    gift: Said | None = None,
) -> dict[str, Any]:
    """What a template may name: what an event said, and of the customer and the shop what is true now."""
    common = events.common(events.business(shop), customer, available)
    known: dict[str, Any] = {**(body or {}), **common} | ({"event": body} if body is not None else {})
    for thing in ("customer", "business"):
        known[thing] = {name: common[flat] for name, (flat, _) in THINGS[thing].items() if flat}
    known["customer"] |= {"first_name": customer.name.partition(" ")[0], "preferences_link": "#"}
    own = dict.fromkeys(customers.declared(shop), "") | customer.properties
    known["customer"] |= {"tags": customer.tags, "properties": own}
    return known | {name: thing for name, thing in (("coupon", coupon), ("gift", gift)) if thing}


def line_of(shop: Workspace, source: str, customer: Customer, available: int, body: Said | None) -> str:
    """One line of Liquid, filled in. Raises Unfit."""
    return markup.line(fill(source, facts(shop, customer, available, body), markup=False)[0])


def render(
    shop: Workspace, channel: Channel, content: Content, known: Said, *, pixel: str = "", link: Lead = str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What it comes to (an e-mail's subject, preheader, html and text; of others text, or template, language, slots),
    and what its variables stood for. `link` is where the link to an address leads instead. Raises Unfit."""
    found: dict[str, Any] = {}

    def filled(source: str, *, html: bool = False, marks: markup.Marks | None = None) -> str:
        text, said = fill(source, known, markup=html, marks=marks)
        found.update(said)
        return text

    if channel != "email":
        slots = tuple(markup.line(filled(slot)) for slot in content.slots)
        text = filled(content.body).strip()
        if "" in slots or not (text or content.provider_template):
            raise Unfit(f"slot {slots.index('') + 1} comes to nothing" if slots else "it comes to nothing")
        template = {"template": content.provider_template, "language": content.language, "slots": slots}
        return template if content.provider_template else {"text": text}, found
    subject, preheader = markup.line(filled(content.subject)), markup.line(filled(content.preheader))
    if not subject:
        raise Unfit("the subject comes to nothing")
    way, html = known["customer"]["preferences_link"], content.body_type != "text"
    marks, ours = markup.Marks(way), "" if _WAY in content.body else _words(shop)[2]
    source = filled(mjml.html_of(content.body) if content.body_type == "mjml" else content.body, html=html, marks=marks)
    if ours and html:
        source += f'<p style="font-size:12px"><a href="{escape(marks.of(way))}" style="color:#666">{ours}</a></p>'
    elif ours:
        source += f"\n\n{ours}: {marks.of(way)}"
    body, text, css = marks.ready(source, html=html, link=link)
    page = markup.page(body, css, preheader, pixel)
    return {"subject": subject, "preheader": preheader, "html": page, "text": text}, found


def said_by(shop: Workspace, channel: Channel, content: Content, known: Mapping[str, Any]) -> dict[str, Any]:
    """What it comes to, as it is shown; or `problem`, why it can't be said."""
    try:
        return render(shop, channel, content, known)[0]
    except Unfit as unfit:
        return {"problem": str(unfit)}
