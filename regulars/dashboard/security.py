"""Who may call: the session's cookie, the proof that a form was ours, the headers that keep a page to itself."""

import string
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from litestar import Request
from litestar.datastructures import Cookie, ResponseHeader

from regulars import limits
from regulars.kit import Forbidden
from regulars.kit.forms import cookies
from regulars.kit.secrets import same
from regulars.kit.settings import Settings

SESSION_COOKIE = "regulars_session"
DOOR_COOKIE = "regulars_door"
SAID_COOKIE = "regulars_said"
THEME_COOKIE = "regulars_theme"
KNOWN_COOKIE = "regulars_known"
_HOST_ONLY = "__Host-"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

HEADERS = [
    ResponseHeader(
        name="content-security-policy",
        value="default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'",
    ),
    ResponseHeader(name="x-content-type-options", value="nosniff"),
    ResponseHeader(name="x-frame-options", value="DENY"),
    ResponseHeader(name="referrer-policy", value="same-origin"),
    ResponseHeader(name="permissions-policy", value="camera=(), geolocation=(), microphone=(), payment=()"),
    ResponseHeader(name="cross-origin-opener-policy", value="same-origin"),
    ResponseHeader(name="cache-control", value="no-store"),
]

_FRAMED = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
FRAMED = {"content-security-policy": _FRAMED, "x-frame-options": "SAMEORIGIN", "referrer-policy": "no-referrer"}
"""Of what others wrote, shown in a frame: nothing in it runs, loads or leads anywhere."""


def location(address: str) -> str:
    """An address as a header can carry it; what is escaped already stays so."""
    return quote(address, safe=string.punctuation)


def over_tls(settings: Settings, request: Request[Any, Any, Any]) -> bool:
    """Whether the browser's address says https, as far as the public address or the proxy tell."""
    scheme = (settings.public_url or "").partition(":")[0]
    return "https" in (scheme, request.scope["scheme"], request.headers.get("x-forwarded-proto"))


def cookie(
    settings: Settings, request: Request[Any, Any, Any], key: str, value: str, *, max_age_s: int | None
) -> Cookie:
    """Readable by no script, sent to no other site. Over TLS it bears the prefix by which browsers know that this very
    host set it, so that no neighbour under the same domain can; over plain HTTP browsers would refuse that prefix.
    `max_age_s` 0 deletes it."""
    secure = over_tls(settings, request)
    name = _HOST_ONLY + key if secure else key
    return Cookie(key=name, value=value, max_age=max_age_s, path="/", httponly=True, samesite="lax", secure=secure)


def read_cookie(settings: Settings, request: Request[Any, Any, Any], key: str) -> str:
    """What `cookie` set; nothing else counts, so over TLS only what bears the prefix."""
    return cookies(request.scope["headers"]).get(_HOST_ONLY + key if over_tls(settings, request) else key, "")


def theme_of(request: Request[Any, Any, Any]) -> str:
    """`light` or `dark`, or nothing: as the device says. No secret, so it is read under either name."""
    found = cookies(request.scope["headers"])
    theme = found.get(THEME_COOKIE) or found.get(_HOST_ONLY + THEME_COOKIE, "")
    return theme if theme in ("light", "dark") else ""


def session_cookie(settings: Settings, request: Request[Any, Any, Any], token: str) -> Cookie:
    return cookie(settings, request, SESSION_COOKIE, token, max_age_s=int(limits.SESSION_S))


def csrf_token(secret: str) -> str:
    """The token of a session's forms: it can be made only by who holds the session's cookie."""
    return sha256(b"form:" + secret.encode()).hexdigest()[:40]


def check_form(request: Request[Any, Any, Any], secret: str, given: str) -> None:
    """Raises Forbidden unless this came from one of our own pages.

    Browsers say themselves whether another site sent a form (Sec-Fetch-Site); the token holds where they do not.
    """
    from_elsewhere = request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
    if from_elsewhere or not secret or not same(csrf_token(secret), given):
        raise Forbidden(
            "This form is out of date, or came from another site. Nothing was changed. Load the page again, and send "
            "it once more.",
            code="form_out_of_date",
        )
