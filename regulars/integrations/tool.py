"""The marketing tools, as `tools.toml` tells of each: what a shop fills in, what its calls say, and what its answers
mean. A new one is a table there.
"""

import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import md5
from pathlib import Path
from typing import Any

import msgspec

from regulars import limits
from regulars.delivery import carrier
from regulars.integrations.filling import About, encode, filled
from regulars.integrations.manifest import Connector, in_order
from regulars.integrations.spec import SELECTORS, Bulk, Call, Spec, manifest
from regulars.kit.http import Answer, NoAnswer, Request

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_KEY_HELP = "Paste a new key, then Initialize."


class Said(msgspec.Struct, frozen=True):
    """A tool's answer in words. `refused`: what a person must mend. `failed`: a 2xx that is a failure all the same."""

    words: str = ""
    wait_s: float | None = None
    refused: str = ""
    failed: bool = False


class ToolCarrier:
    """A tool that knows customers by a primary selector, and keeps a profile of each."""

    source: carrier.SourceKind = "event"

    def __init__(self, spec: Spec, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        self._spec, self.at_once, self.in_order = spec, spec.at_once, in_order(settings)
        self.windows, self.profile_windows = spec.windows, spec.profile_windows
        self.keeps_profiles = spec.profile is not None
        # Such a call says nothing of the profile, so it pays only where that is told by itself.
        together = spec.bulk if settings.get("profiles") == "yes" else None
        self.together = self._bulk(together) if together else None
        self._settings = {**settings, **secrets, "host": str(settings["host"]).rstrip("/"), "md5": "{md5}"}
        self._prefix, self._selector = str(settings.get("profile_prefix", "")), str(settings["primary_selector"])
        self._retry_unclear = spec.deduplicates or settings["retry_unclear"] == "yes"
        self._headers = {name: _basic(form.format_map(self._settings)) for name, form in spec.headers.items()}
        self._secret = frozenset(name for name, form in spec.headers.items() if "{api_key}" in form)

    def _bulk(self, bulk: Bulk) -> carrier.Together:
        before, after = (text.encode() for text in bulk.between)

        def joined(parts: Sequence[Request]) -> Request:
            return msgspec.structs.replace(parts[0], body=before + b",".join(one.body for one in parts) + after)

        def part(parcel: carrier.Parcel) -> Request | carrier.GaveUp:
            return self._rendered(parcel, bulk)

        return carrier.Together(bulk.most, limits.LANE_TOGETHER_MIN, bulk.windows, part, joined)

    def _ask(self, call: Call, body: Any, *, who: str = "", **more: Any) -> Request:
        url = call.url.format_map(self._settings)
        if "{md5}" in url:
            url = url.replace("{md5}", md5(who.lower().encode(), usedforsecurity=False).hexdigest())
        if body is None:
            return Request(call.method, url, self._headers, b"", self._secret)
        headers = {"Content-Type": self._spec.media_type, **self._headers}
        return Request(call.method, url, headers, encode(body), self._secret, **more)

    def _unfit(self, selector: str, who: str) -> str:
        """Why the tool would not take this for whom a call is about, '' if it does. All of them want E.164."""
        if not who:
            return (
                f"This customer has {SELECTORS[selector].lacking}, and {SELECTORS[selector].label} is this "
                "integration's primary selector. Nothing was sent."
            )
        if selector != "phone" or _E164.fullmatch(who):
            return ""
        return (
            f"{self._spec.label} takes mobile numbers with a country's code, such as +919800000000, and this "
            f"customer's is {who}: no number that anybody has there. Nothing was sent."
        )

    def render(self, parcel: carrier.Parcel) -> Request | carrier.GaveUp:
        told = self._spec.profile if parcel.source == "profile" else None
        return self._rendered(parcel, told or self._spec.event)

    def _rendered(self, parcel: carrier.Parcel, call: Call) -> Request | carrier.GaveUp:
        spec, event = self._spec, parcel.source == "event"
        body = _decode(parcel.body) if event else parcel.profile or {}
        names = call.by or spec.by
        selector = self._selector if self._selector in names else next(iter(names))
        who = str(body.get(SELECTORS[selector].property) or "")
        if unfit := self._unfit(selector, who):
            return carrier.GaveUp(unfit, needless=not event)
        about = About(spec, parcel, body, self._prefix, names[selector], who, [])
        said = filled(call.body, about)
        request = self._ask(call, said, who=who, note=" ".join(about.notes)[: limits.TOOL_WORDS_CHARS_MAX])
        if call.after_profile and spec.profile is not None:
            return self._ask(spec.profile, filled(spec.profile.body, about), who=who, then=request)
        return request

    def said(self, answer: Answer) -> Said:
        spec, read = self._spec, _read(answer.body)
        flat = _flat(read)
        failed = any(flat.get(name) in values for name, values in spec.failed.items())
        return Said(_words(read, spec.words), _number(flat.get(spec.wait)), self._refused(answer.status), failed)

    def read(self, answer: Answer) -> carrier.Outcome:
        label, status = self._spec.label, answer.status
        said = self.said(answer)
        if 200 <= status < 300:
            refused = carrier.GaveUp(
                f"{label} answered {status}, and yet refused the event: {said.words or 'without a word.'}"
            )
            return refused if said.failed else carrier.Delivered()
        if said.refused:
            return carrier.Paused(said.refused)
        outcome = carrier.read_status(label, answer, said.words)
        if isinstance(outcome, carrier.RetryAfter) and said.wait_s is not None and said.wait_s > 0:
            asked_s = min(said.wait_s, limits.RETRY_AFTER_MAX_S)
            return carrier.RetryAfter(max(asked_s, outcome.wait_s or 0.0), outcome.reason)
        return outcome

    def unanswered(self, parcel: carrier.Parcel, end: NoAnswer) -> carrier.Outcome:
        """What a profile holds may be said twice."""
        again = self._retry_unclear or parcel.source == "profile"
        return carrier.read_no_answer(self._spec.label, parcel, end, retry_unclear=again)

    def check(self, at: datetime) -> Request:
        return self._ask(self._spec.check, self._spec.check.body)

    def read_check(self, end: Answer | NoAnswer) -> carrier.CheckResult:
        label = self._spec.label
        if isinstance(end, NoAnswer):
            return carrier.CheckResult(
                False, f"{label} could not be reached: {end.detail} Check the address, then Initialize."
            )
        said = self.said(end)
        wrong = said.refused or self._wrong(end.status, said)
        return carrier.CheckResult(not wrong, wrong or f"{label} knows this key. Events can be sent.")

    def _wrong(self, status: int, said: Said) -> str:
        """What is wrong, '' for nothing, with an answer to `check` that no refusal speaks of."""
        check, label, taken = self._spec.check, self._spec.label, 200 <= status < 300
        if taken and not said.failed:
            return ""
        if taken or status == 400:
            if check.well and re.search(check.well, said.words, re.IGNORECASE):
                return ""
            if check.key and re.search(check.key, said.words, re.IGNORECASE):
                return f"{label} refused the API key: {said.words.rstrip('.')}. {_KEY_HELP}"
        if status == 404:
            return f"{label} answered 404: there is no {label} API at this address."
        words = f": {said.words.rstrip('.')}." if said.words else "."
        return f"{label} answered {status}{words} Try again in a few minutes."

    def _refused(self, status: int) -> str:
        """The statuses that a person must mend, in words."""
        label = self._spec.label
        if status == 401:
            return f"{label} answered 401: the API key was refused. {_KEY_HELP}"
        if status == 403:
            return (
                f"{label} answered 403: the API key lacks a permission. Paste a key that has all permissions, then "
                "Initialize."
            )
        return f"{label} answered 410: {self._spec.gone}" if status == 410 else ""


def _basic(header: str) -> str:
    scheme, _, login = header.partition(" ")
    return f"Basic {b64encode(login.encode()).decode()}" if scheme == "Basic" else header


def _read(body: bytes) -> dict[str, Any]:
    """What a tool answered, as far as it can be read."""
    try:
        return _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def _flat(read: Mapping[str, Any], of: str = "", deep: int = 2) -> dict[str, Any]:
    """What stands in what, by both names with _ between them."""
    flat: dict[str, Any] = {}
    for name, value in read.items():
        if isinstance(value, dict) and deep:
            flat |= _flat(value, f"{of}{name}_", deep - 1)
        if value is not None:
            flat[of + name] = encode(value).decode() if isinstance(value, (dict, list)) else value
    return flat


def _words(read: Mapping[str, Any], asked: Sequence[str]) -> str:
    """A tool's own explanation on one line, cut."""
    parts: list[str] = []
    for line in asked:
        where, _, forms = line.rpartition(" > ")
        found = read.get(where) if where else [read]
        for one in found[:10] if isinstance(found, list) else ():
            flat = _flat(one) if isinstance(one, dict) else {}
            for form in forms.split("|"):
                try:
                    parts.append(form.format_map(flat))
                    break
                except KeyError:
                    continue
    text = "; ".join(part for part in parts if part)[: limits.TOOL_WORDS_CHARS_MAX]
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _laid(under: Any, over: Any) -> Any:
    """A table over a table, in which '' takes something away."""
    if not (isinstance(under, dict) and isinstance(over, dict)):
        return over
    laid = under | {name: _laid(under.get(name), value) for name, value in over.items()}
    return {name: value for name, value in laid.items() if over.get(name) != ""}


def _connector(tool: str, told: dict[str, Any]) -> Connector:
    """`versions` of it differ by what is laid over the rest, and are a setting."""
    versions = told.pop("versions", {})
    spec = msgspec.convert(told, Spec)
    others = {name: msgspec.convert(_laid(told, over), Spec) for name, over in versions.items()}

    def made(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> ToolCarrier:
        return ToolCarrier(others.get(str(settings.get("api_version")), spec), settings, secrets)

    return Connector(manifest(tool, spec), made, spec.profile is not None, spec.tells_state)


def connectors() -> dict[str, Connector]:
    told = msgspec.toml.decode(Path(__file__).with_name("tools.toml").read_bytes())
    return {tool: _connector(tool, one) for tool, one in told.items()}
