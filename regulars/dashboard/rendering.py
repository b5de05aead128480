"""Templates into pages. The environment is made once; what belongs to one page (shop, person, time) is its context."""

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from regulars import events
from regulars.dashboard import words
from regulars.events import Event
from regulars.ledger.txns import in_words

HERE = Path(__file__).parent
STATIC = HERE / "static"

_OTHERWISE = {"": "Overview", "keys": "API keys", "audit": "Audit log", "set-aside": "Set aside"}


def _pages(names: str) -> list[tuple[str, str]]:
    return [(f"/{name}", _OTHERWISE.get(name, name.capitalize())) for name in names.split(" ")]


NAV = {
    "": _pages(""),
    "Customers": _pages("customers segments tiers referrals"),
    "Earn": _pages("triggers rewards orders reviews liability"),
    "Spend": _pages("offers coupons partners"),
    "Reach": _pages("events automations campaigns templates messages"),
    "Connect": _pages("sources integrations checkout deliveries sandbox"),
    "Settings": _pages("settings keys staff audit set-aside"),
}
"""The left bar: groups of addresses and words. Only pages that exist are here."""
WORDS = {href: words for pages in NAV.values() for href, words in pages}


def _with(say: Callable[..., Any], *names: str) -> Callable[..., Any]:
    """A filter that is told these of the page's context behind its value."""
    return pass_context(lambda context, value: say(value, *(context[name] for name in names)))


@pass_context
def _money(context: Context, amount_minor: int, currency_code: str = "") -> str:
    """An amount in the shop's own currency carries its symbol, one in another its code."""
    workspace = context["workspace"]
    if currency_code and currency_code.lower() != workspace.currency_code:
        return words.money(amount_minor, currency_code)
    return words.money(amount_minor, workspace.currency_code, workspace.currency_symbol)


def _sentence(event: Event) -> Markup:
    """An event in words, each name in it kept from turning the rest around."""
    parts = events.sentence_parts(event.topic, event.body)
    return Markup().join(Markup("<bdi>{}</bdi>").format(part.text) if part.strong else part.text for part in parts)


def asset(name: str) -> str:
    """A static file's address with a mark of its content, so that it may be kept for ever."""
    if name not in _marks:
        _marks[name] = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={_marks[name]}"


_marks: dict[str, str] = {}


@cache
def environment(*, development: bool) -> Environment:
    """One for all that a process shows. With `development`, changed templates and static files are seen without a
    restart."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=development,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "ago": _with(words.ago, "now", "zone"),
        "coins": _with(partial(in_words, "coins"), "workspace"),
        "credits": _with(partial(in_words, "credits"), "workspace"),
        "day": _with(words.day, "zone"),
        "exact": _with(words.exact, "zone"),
        "label": events.label,
        "money": _money,
        "ours": _with(words.in_shops_words, "workspace"),
        "sentence": _sentence,
    }
    plain = (words.act, words.actor, words.deliveries, words.duration, words.headers, words.iso, words.number)
    made.filters |= {say.__name__: say for say in (*plain, words.plural, words.pretty)}
    made.globals |= {"asset": _uncached_asset if development else asset, "nav": NAV.items()}
    return made


def prepare(data_dir: Path) -> None:
    """Have every template compiled, so that no visitor waits for it. That takes a second, so what comes of it is kept
    for the next start, where its folder can be written to, and holds for as long as the template stays as it is."""
    made = environment(development=False)
    kept = data_dir / "templates"
    with suppress(OSError):
        kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.access(kept, os.W_OK | os.X_OK) and kept.is_dir():
        made.bytecode_cache = FileSystemBytecodeCache(str(kept))
    for name in made.list_templates():
        made.get_template(name)


def _uncached_asset(name: str) -> str:
    _marks.pop(name, None)
    return asset(name)


def here_of(path: str) -> str:
    """Which link of the left bar this path belongs to."""
    return max((href for href in WORDS if path == href or (href != "/" and path.startswith(href + "/"))), default="")


def context_of(**context: Any) -> dict[str, Any]:
    """What base.html needs, filled with nothing where the page has no person behind it (signing in, errors)."""
    return {"said": "", "theme": "", "workspace": None, "who": None, "here": "", "csrf_token": "", **context}
