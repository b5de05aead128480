"""WhatsApp by Meta's Cloud API, and what it reports. Whoever did not write in the last day can only be sent a template
that Meta approved."""

import hmac
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

from regulars.channels.carrying import E164, Manifest, MessageCarrier, read_as
from regulars.channels.model import Content, Mail, Sender, Text, WhatsAppTemplate
from regulars.channels.reports import Report, decoded, failed, must_be_same, objects, stopped
from regulars.delivery.carrier import GaveUp, Outcome, Parcel
from regulars.kit import SecretBox
from regulars.kit.fields import form_of, host_field, rate_field, signing_secret
from regulars.kit.http import Answer, Request
from regulars.kit.secrets import new_token

_MORE = (
    signing_secret(lambda: new_token("rgw_"), lambda _: "", name="verify_token", label="Verify token"),
    rate_field(1_200, "WhatsApp takes 80 a second from a number."),
    host_field("WhatsApp", "https://graph.facebook.com/v23.0"),
)
_FORM = form_of(__file__, "whatsapp", *_MORE, app_secret={"sent_to": lambda _: ""})
MANIFEST = Manifest(tool="whatsapp", channel="whatsapp", reports="whatsapp", **_FORM)
_MEANS = {
    **dict.fromkeys((131_021, 131_030, 131_051, 131_009, 100), "gave_up"),
    **dict.fromkeys((131_026, 131_050), "bounced"),
    **dict.fromkeys((3, 10, 190, 200, 368, 131_005, 131_031, 131_042, 131_045, 133_010), "paused"),
    **dict.fromkeys((4, 80_007, 130_429, 131_016, 131_048, 131_056, 131_057), "later"),
}


class _Error(msgspec.Struct):
    code: int = 0
    message: str = ""


class _Said(msgspec.Struct):
    error: _Error = msgspec.field(default_factory=_Error)


class WhatsAppCarrier(MessageCarrier):
    manifest = MANIFEST

    def _ask(self, method: str, below: str, body: bytes = b"") -> Request:
        url = f"{str(self.settings['host']).rstrip('/')}/{self.settings['phone_number_id']}{below}"
        headers = {"Authorization": f"Bearer {self.secrets['token']}", "Content-Type": "application/json"}
        return Request(method, url, headers, body, frozenset({"Authorization"}))

    def compose(self, content: Content, parcel: Parcel) -> Request | GaveUp:
        if isinstance(content, Mail) or E164.fullmatch(content.to) is None:
            return GaveUp("This customer has no mobile number with its country's code. Nothing was sent.")
        said: dict[str, Any] = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": content.to[1:]}
        said["biz_opaque_callback_data"] = str(parcel.delivery_id)  # comes back with what is reported of it
        if isinstance(content, Text):
            said |= {"type": "text", "text": {"body": content.body}}
        else:
            template: dict[str, Any] = {"name": content.template, "language": {"code": content.language or "en"}}
            if slots := [{"type": "text", "text": slot} for slot in content.slots]:
                template["components"] = [{"type": "body", "parameters": slots}]
            said |= {"type": "template", "template": template}
        return self._ask("POST", "/messages", msgspec.json.encode(said))

    def check(self, at: datetime) -> Request:
        return self._ask("GET", "?fields=verified_name,display_phone_number")

    def trial(self, to: str) -> WhatsAppTemplate:
        return WhatsAppTemplate(to, "hello_world", "en_US")

    def read(self, answer: Answer) -> Outcome:
        error = read_as(_Said, answer.body).error
        return self.judged(answer, error.code, error.message, _MEANS)


def read_whatsapp(sender: Sender, box: SecretBox, signature: str, body: bytes) -> list[Report]:
    """Raises Unauthenticated, and Invalid for what is no JSON."""
    secret = box.open(sender.sealed, workspace_id=sender.workspace_id, thing_id=sender.id)["app_secret"]
    must_be_same(f"sha256={hmac.digest(secret.encode(), body, sha256).hex()}", signature)
    reports: list[Report] = []
    changes = [change for entry in objects(decoded(body), "entry") for change in objects(entry, "changes")]
    for value in [of for change in changes for of in objects(change, "value")]:
        for wrote in objects(value, "messages"):
            words = [of.get("body") or of.get("text") for kind in ("text", "button") for of in objects(wrote, kind)]
            reports += stopped(f"+{wrote.get('from', '')}", str(next(iter(words), "")))
        for status in objects(value, "statuses"):
            id, code = str(status.get("biz_opaque_callback_data")), [of.get("code") for of in objects(status, "errors")]
            if status.get("status") != "failed":
                continue
            with suppress(ValueError):  # what somebody else sent has a name of another form
                reports += failed("WhatsApp", UUID(id), f"+{status.get('recipient_id')}", str(next(iter(code), "")))
    return reports
