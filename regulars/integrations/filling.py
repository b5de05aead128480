"""What a call to a marketing tool says: a form of `tools.toml`, filled with the event and with what is true of the
customer."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from regulars import limits
from regulars.delivery.carrier import Parcel
from regulars.integrations.spec import ON_PROFILE, Properties, Spec
from regulars.kit import wire_time

encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class About(msgspec.Struct, frozen=True):
    """What a call is about. What it says of an event is made of `body` alone, of the customer of `parcel.profile`.
    `notes` are on what was made to fit."""

    spec: Spec
    parcel: Parcel
    body: Mapping[str, Any]
    prefix: str
    by: str
    who: str
    notes: list[str] = []

    def state(self) -> dict[str, Any]:
        """Lists as they are where the tool takes them, and else as text."""
        profile, lists = self.parcel.profile or {}, self.spec.state_lists
        kept = {name: profile[of] for name, of in (self.spec.state or ON_PROFILE).items() if of in profile}
        return {
            self.prefix + name: ", ".join(value) if isinstance(value, list) and not lists else value
            for name, value in kept.items()
        }

    def name(self, part: int) -> str:
        """First or last name as they are now, cut as tools take them."""
        given, _, family = str((self.parcel.profile or {}).get("user_name", "")).strip().partition(" ")
        return (given, family.strip())[part][: limits.TOOL_NAME_CHARS_MAX]

    def worth(self) -> Any:
        """In money: only an order's event has it."""
        amount = self.body.get("fiat_amount")
        return amount if isinstance(amount, (int, float)) and self.body.get("currency_code") else None

    def event(self) -> str:
        name = self.spec.names.fitted(self.parcel.event_name)
        if name != self.parcel.event_name:
            self.notes.append(f"It was named {name}, as {self.spec.label} takes names.")
        return name

    def properties(self) -> dict[str, Any]:
        """Those that have a value, at most so many, made to fit the tool: the event's own before those of all events.

        A tool may fix a property's type by the first event that carries it, and an event has '' where it has no value:
        such a property is left out, so that a number's first appearance is never a text. A test says so.
        """
        wants, counts = self.spec.properties, Counter[str]()
        properties: dict[str, Any] = {"test": True} if self.parcel.test else {}
        items = list((_decode(self.parcel.mapped) if self.parcel.mapped else self.body).items())
        if wants.each or len(items) > wants.most:
            items.sort(key=lambda item: item[0].startswith(("user_", "business_", "nector_")))
        notes: dict[str, list[str]] = {"Left out": [], "Cut": [], "Renamed": []}
        for raw, value in items:
            if value is None or value in ("", [], {}):
                continue
            name, fitted, kind = wants.names.fitted(raw), *_fitted(value, wants)
            if name in properties or len(properties) == wants.most or (wants.each and counts[kind] == wants.each):
                notes["Left out"].append(raw)
                continue
            counts[kind] += 1
            properties[name] = fitted
            if name != raw:
                notes["Renamed"].append(raw)
            if isinstance(value, str) and fitted != value:
                notes["Cut"].append(raw)
        self.notes.extend(f"{what}: {_listed(names)}." for what, names in notes.items() if names)
        return properties


def _fitted(value: Any, wants: Properties) -> tuple[Any, str]:
    """The value as the tool takes it, and of which kind it is."""
    nested = (isinstance(value, dict) and wants.takes != "all") or (isinstance(value, list) and wants.takes == "plain")
    if nested or (wants.takes == "texts" and not isinstance(value, str)):
        value = encode(value).decode()
    if wants.value_bytes and isinstance(value, str) and len(raw := value.encode()) > wants.value_bytes:
        value = raw[: wants.value_bytes].decode("utf-8", "ignore")
    return value, "number" if type(value) in (int, float) else type(value).__name__


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(name[:40] for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown


_VALUES: Mapping[str, Callable[[About], Any]] = {
    "$by": lambda a: a.by,
    "$who": lambda a: a.who,
    "$channel": lambda a: {"email": "email", "phone": "sms"}[a.by],
    "$customer_id": lambda a: a.body.get("user_customer_id"),
    "$first": lambda a: a.name(0),
    "$last": lambda a: a.name(1),
    "$name": lambda a: f"{a.name(0)} {a.name(1)}".strip(),
    "$state": About.state,
    "$event": About.event,
    "$properties": About.properties,
    "$id": lambda a: str(a.parcel.delivery_id),
    "$amount": About.worth,
    "$currency": lambda a: None if a.worth() is None else str(a.body["currency_code"]).upper(),
    "$time": lambda a: wire_time(a.parcel.occurred_at),
    "$time_s": lambda a: int(a.parcel.occurred_at.timestamp()),
    "$time_ms": lambda a: int(a.parcel.occurred_at.timestamp() * 1_000),
    "$time_offset": lambda a: f"{a.parcel.occurred_at:%Y-%m-%dT%H:%M:%S%z}",
    "$time_plain": lambda a: a.parcel.occurred_at.isoformat(timespec="seconds"),
    "$time_spaced": lambda a: f"{a.parcel.occurred_at:%Y-%m-%d %H:%M:%S.%f}",
}


def filled(form: Any, about: About) -> Any:
    """What a form of a body says of this. What there is nothing of is left out."""
    if isinstance(form, str):
        return _VALUES[form](about) if form.startswith("$") else form
    if isinstance(form, list):
        return [filled(one, about) for one in form]
    if not isinstance(form, dict):
        return form
    made: dict[str, Any] = {}
    for name, one in form.items():
        value = filled(one, about)
        if name == "+":
            made |= value
        elif not (isinstance(one, str) and one.startswith("$") and value in (None, "", {})):
            made[_VALUES[name](about) if name.startswith("$") else name] = value
    return made
