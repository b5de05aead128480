"""MJML as the HTML of a mail's body: read once, with Liquid as it stands, and filled in as any HTML."""

import re
from functools import lru_cache
from xml.parsers import expat

from mjml import mjml2html

from regulars import limits
from regulars.engagement.messages.markup import Unfit

_COMPONENTS = frozenset(
    """mjml mj-head mj-body mj-all mj-attributes mj-breakpoint mj-class mj-font mj-html-attribute mj-html-attributes
    mj-preview mj-selector mj-style mj-title mj-accordion mj-accordion-element mj-accordion-text mj-accordion-title
    mj-button mj-carousel mj-carousel-image mj-column mj-divider mj-group mj-hero mj-image mj-navbar mj-navbar-link
    mj-raw mj-section mj-social mj-social-element mj-spacer mj-table mj-text mj-wrapper""".split()  # noqa: SIM905
)
"""None that reads a file or an address."""
_COMPONENT = re.compile(r"</?(mj[a-z-]*)")
_EMPTY = re.compile(r"<(br|hr|img|wbr)\b([^<>]*?)/?>")
_BODY = re.compile(r"<body\b[^>]*>(.*)</body>", re.DOTALL)
_STYLE = re.compile(r"<style\b[^>]*>.*?</style>", re.DOTALL)


@lru_cache(128)
def html_of(source: str) -> str:
    """Its styles, and what stands in its body. Raises Unfit naming the line."""
    if source.count("<") > limits.MESSAGE_TAGS_MAX:
        # Each may be inside of the one before, and what reads them goes as deep.
        raise Unfit(f"it has more than {limits.MESSAGE_TAGS_MAX:,} tags")
    for found in _COMPONENT.finditer(source):
        if found[1] not in _COMPONENTS:
            line = source.count("\n", 0, found.start()) + 1
            raise Unfit(f"line {line}: there is no {found[1]}")
    try:
        made = mjml2html(source, disable_comments=True, fonts={})
    except ValueError as error:
        raise Unfit(_words(source, str(error).replace(" in root template", ""))) from None
    body = _BODY.search(made)
    return "".join(_STYLE.findall(made[: body.start()] if body else "")) + (body[1] if body else "")


def _words(source: str, said: str) -> str:
    """With its line, where XML has one for it."""
    try:
        expat.ParserCreate().Parse(_EMPTY.sub(r"<\1\2/>", source).replace("&", " "), True)
    except expat.ExpatError as error:
        return f"line {error.lineno}: {expat.ErrorString(error.code)}"
    return said
