"""An e-mail's HTML from what a template came to: without whatever could act, its style in it, and the same as text."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from html import escape, unescape

import css_inline
import nh3

from regulars import limits

# Apart, and none going beyond the next tag: what nothing closes is looked through once.
_STYLE, _STYLE_END = re.compile(r"<style\b[^<>]*>", re.IGNORECASE), re.compile(r"</style\s*>", re.IGNORECASE)
_NAMES = "a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u"
_ATTRIBUTES = r"""(?:\s++[\w:.-]++(?:\s*+=\s*+(?:"[^"<>]*+"|'[^'<>]*+'|[^\s"'<>=`]++))?+)*+\s*+/?+>"""
_SETS_OFF = re.compile(rf"<(?:{_NAMES})\b", re.IGNORECASE)
_CLOSED = re.compile(rf"<({_NAMES}){_ATTRIBUTES}[^<>]*+(?:<(?:img|br){_ATTRIBUTES}[^<>]*+)*+</\1\s*+>", re.IGNORECASE)
_AWAY = re.compile(r"@import[^;]*;?|@charset[^;]*;?|expression\s*\(|-moz-binding|behavior\s*:|<", re.IGNORECASE)
_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# Signs that Unicode keeps for what never leaves a program.
_MARK, _WITHIN = re.compile("[\ufdd0-\ufdef]"), re.compile("<[^<>]*[\ufdd0-\ufdef]")
_WORD = r"""[^\s\x00-\x1f\x7f-\x9f\ufdd0-\ufdef<>&"'`:;/=\\{}]{1,40}"""
_PLAIN = re.compile(f"{_WORD}(?: {_WORD}){{0,5}}")
_WAY = "https://preferences.invalid/"
# What stands for something; and, of a clean body, the address of a link. In a text that would be words like others.
_SLOT = re.compile(f"[\ufdd0-\ufdef]|{re.escape(_WAY)}")
_SLOT_OR_LINK = re.compile(rf'<a\b[^<>]*?\bhref="(https?://[^"]*)|{_SLOT.pattern}')


class Unfit(Exception):
    """What a template comes to can't be sent; the words say why."""


class Marks:
    """Stand for values while a body is made ready, which is the same work for all to whom it otherwise says the same.
    Only words that mean nothing in HTML have one, and `way`, a link that is another in each mail."""

    def __init__(self, way: str) -> None:
        self._way, self._values = way if way.startswith("http") else _WAY, list[str]()

    def of(self, said: str) -> str:
        if said == self._way:
            return _WAY
        if len(self._values) == 32 or not _PLAIN.fullmatch(said):
            return said
        self._values.append(str(said))
        return chr(0xFDCF + len(self._values))

    def ready(self, source: str, *, html: bool, link: Callable[[str], str] = str) -> tuple[str, str, str]:
        """A clean body, its links leading to what `link` says, the same as text, and its styles, of what a template
        came to with marks. Where one stands in a tag or a style, it is made ready with the values."""
        values = {chr(0xFDD0 + n): value for n, value in enumerate(self._values)} | {_WAY: self._way}
        body, text, css, marks = _ready(source, html)
        if marks != len(self._values):
            body, text, css, _ = _ready(_MARK.sub(lambda mark: values.get(mark[0], mark[0]), source), html)
        led = dict(values)
        for address in body[1::2]:
            if len(address) > 1 and address not in led:
                led[address] = escape(link(unescape(address).replace(_WAY, self._way)))
        return _put(body, led), _put(text, values), css.replace(_WAY, self._way)


def _cut(text: str, slots: re.Pattern[str]) -> tuple[str, ...]:
    """Every other part is one in whose place something is put."""
    parts, at = list[str](), 0
    for slot in slots.finditer(text):
        group = slot.lastindex or 0
        parts += text[at : slot.start(group)], slot[group]
        at = slot.end(group)
    return (*parts, text[at:])


def _put(parts: Sequence[str], values: Mapping[str, str]) -> str:
    put = list(parts)
    put[1::2] = [values.get(part, part) for part in parts[1::2]]
    return "".join(put)


@lru_cache(limits.MESSAGE_SHAPES_MAX)
def _ready(source: str, html: bool) -> tuple[tuple[str, ...], tuple[str, ...], str, int]:
    body, css = clean(source if html else as_html(source))
    apart = not (_WITHIN.search(source) or _WITHIN.search(body) or _MARK.search(css))
    text = as_text(body) if html else source
    return _cut(body, _SLOT_OR_LINK), _cut(text, _SLOT), css, len(_MARK.findall(source)) if apart else -1


@cache
def _cleaner() -> nh3.Cleaner:
    tags = {*nh3.ALLOWED_TAGS, "font", "tfoot"}
    anywhere = (
        "align bgcolor border cellpadding cellspacing class color dir face height id lang role size style title valign"
    )
    attributes = {tag: set(nh3.ALLOWED_ATTRIBUTES.get(tag, ())) for tag in tags} | {"*": {*anywhere.split(), "width"}}
    schemes = {"http", "https", "mailto", "tel"}
    return nh3.Cleaner(tags=tags, attributes=attributes, url_schemes=schemes, link_rel=None)


def line(text: str) -> str:
    """As it may stand in a header: one line."""
    return _CONTROL.sub(" ", text).strip()[: limits.MESSAGE_LINE_CHARS_MAX]


def clean(html: str) -> tuple[str, str]:
    """Of a body what can be shown, its style written at each element; and its style. Raises Unfit."""
    css, html = _apart(html)
    _check(html, css)
    body = _cleaner().clean(html)
    if css:
        # By now a tag that nothing closed stands as often as it is put in.
        _check(body, css)
        body = _cleaner().clean(_INLINER.inline_fragment(body, css))
    if len(body) > limits.MESSAGE_CLEAN_CHARS_MAX:
        raise Unfit(f"its HTML comes to more than {limits.MESSAGE_CLEAN_CHARS_MAX:,} characters")
    return body, css


def _apart(html: str) -> tuple[str, str]:
    """Its styles, and the rest."""
    css, rest, at = list[str](), list[str](), 0
    while (start := _STYLE.search(html, at)) and (end := _STYLE_END.search(html, start.end())):
        css.append(html[start.end() : end.start()])
        rest.append(html[at : start.start()])
        at = end.end()
    return _AWAY.sub("", "\n".join(css)), "".join(rest) + html[at:]


def _check(html: str, css: str) -> None:
    """Each rule is tried at each tag; and what sets words off and is not closed at once may be put into each paragraph
    behind it, as browsers do. Raises Unfit."""
    tags, closing = html.count("<"), html.count("</")
    if max(tags - closing, tags // 2) > limits.MESSAGE_ELEMENTS_MAX:
        raise Unfit(f"it comes to more than {limits.MESSAGE_ELEMENTS_MAX:,} elements")
    opened = len(_SETS_OFF.findall(_CLOSED.sub("", html)))
    if opened * tags > limits.MESSAGE_PUT_IN_MAX:
        raise Unfit(f"{opened:,} links and words set off, among {tags:,} tags, are not closed before the next tag")
    # Within parentheses, as of :not(), each tag may be held against each that stands before or around it.
    if tags * (len(css) + tags * css.count("(") // 20) > limits.MESSAGE_STYLING_MAX:
        raise Unfit(f"its style is too long for its {tags:,} tags: shorten it, or say less")


def page(body: str, css: str, preheader: str, pixel: str) -> str:
    """The whole of it around a clean body; of the styles, if some are for narrow screens, which can't stand at an
    element."""
    style = f"<style>{css}</style>" if "@media" in css else ""
    hidden = "display:none;max-height:0;overflow:hidden"
    before = f'<div style="{hidden}">{escape(preheader)}</div>' if preheader else ""
    after = f'<img src="{escape(pixel)}" width="1" height="1" alt="" style="display:block">' if pixel else ""
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    return f"<!doctype html><html><head>{head}{style}</head><body>{before}{body}{after}</body></html>"


def as_html(text: str) -> str:
    """A text as a body: its paragraphs, its addresses as links."""
    said = re.sub(r"https?://[^\s<>\"]+", r'<a href="\g<0>">\g<0></a>', escape(text.strip(), quote=False))
    return "".join(f"<p>{part}</p>" for part in re.split(r"\n\s*\n", said)).replace("\n", "<br>")


def as_text(body: str) -> str:
    """A clean body as plain text: an address stands behind the words that lead there."""
    text = body.replace("\r", " ").replace("\n", " ")
    text = re.sub(r'<img\b[^>]*?\balt="([^"]*)"[^>]*>', r"\1", text)
    text = re.sub(r'<a\b[^>]*?\bhref="((?:http|mailto:)[^"]*)"[^>]*>(.*?)</a>', _with_address, text)
    text = re.sub(r"<li\b[^>]*>", "\n- ", re.sub(r"<br\b[^>]*>|</tr>|</div>", "\n", text))
    text = re.sub(r"</?(?:p|h[1-6]|table|ul|ol|blockquote|hr)\b[^>]*>", "\n\n", re.sub(r"</t[dh]>", " ", text))
    text = re.sub(r"  +", " ", unescape(re.sub(r"<[^>]*>", "", text)).replace("\t", " "))
    return re.sub(r"\n\n\n+", "\n\n", text.replace(" \n", "\n").replace("\n ", "\n")).strip()


def _with_address(found: re.Match[str]) -> str:
    return found[2] if found[1] in found[2] else f"{found[2]} ({found[1]})"
