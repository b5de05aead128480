"""How the shop's own pages look, what they say and where they may be shown: the setting `storefront`."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from regulars import limits
from regulars.kit import Faults
from regulars.kit.fitting import note_unfit
from regulars.tenancy import Workspace

Language = Literal["en", "de", "fr", "es", "ar"]
LANGUAGES: tuple[Language, ...] = ("en", "de", "fr", "es", "ar")
RIGHT_TO_LEFT = frozenset(("ar",))

Word = Annotated[str, Meta(max_length=limits.STOREFRONT_WORD_CHARS_MAX)]


class Theme(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`words` stand in place of the widget's own, by their names. Without `origins` any page may show the widget:
    whoever is shown is proven by a token, never by a cookie. `language` is auto: as the page or the browser asks."""

    accent: Annotated[str, Meta(title="Colour", pattern="^#[0-9a-fA-F]{6}$", examples=["#0f6b4f"])] = "#0f6b4f"
    scheme: Annotated[Literal["auto", "light", "dark"], Meta(title="Light or dark")] = "auto"
    corners: Annotated[int, Meta(title="Round corners, in pixels", ge=0, le=24)] = 12
    side: Annotated[Literal["end", "start"], Meta(title="Where the button stands")] = "end"
    launcher: Annotated[bool, Meta(title="Show the button")] = True
    logo: Annotated[str, Meta(title="Logo", max_length=limits.URI_CHARS_MAX, pattern="^(https://[!-~]+)?$")] = ""
    language: Annotated[Literal["auto", "en", "de", "fr", "es", "ar"], Meta(title="Language")] = "auto"
    words: Annotated[dict[str, Word], Meta(title="Words", examples=[{"launcher": "Club"}])] = {}
    origins: Annotated[
        tuple[Annotated[str, Meta(max_length=300)], ...],
        Meta(
            title="Your shop's addresses", max_length=limits.STOREFRONT_ORIGINS_MAX, examples=[["https://shop.example"]]
        ),
    ] = ()


def theme_of(shop: Workspace) -> Theme:
    return msgspec.convert(shop.settings.get("storefront") or {}, Theme)


def check(changes: dict[str, Any]) -> dict[str, Any]:
    """What is to be set, as a setting is kept; None sets one back. Raises Invalid naming each field."""
    faults, words = Faults(), changes.get("words") or {}
    if any(not re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?", one) for one in changes.get("origins") or ()):
        faults.add("origins", "addresses such as https://shop.example, without a path")
    given = {"words": {name: word for name, word in words.items() if word is not None}}
    note_unfit(faults, Theme, given | {k: v for k, v in changes.items() if v is not None and k != "words"})
    for name in words.keys() - table("en").keys():
        faults.add(f"words.{name}", f"one of {', '.join(table('en'))}")
    faults.check()
    return dict(msgspec.to_builtins(changes))


@cache
def table(language: Language) -> dict[str, str]:
    """All that the widget says."""
    path = Path(__file__).parent / f"words/{language}.json"
    words: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return words


def language_of(theme: Theme, asked: str) -> Language:
    """The theme's, or the first that is asked for of those that there are; `asked` is as an Accept-Language header."""
    wanted = [theme.language, *(part.strip()[:2].lower() for part in asked[:200].split(","))]
    return next((one for want in wanted for one in LANGUAGES if one == want), "en")
