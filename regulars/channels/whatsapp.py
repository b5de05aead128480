"""WhatsApp by Meta's Cloud API. Whoever did not write in the last day can only be sent an approved template."""

from datetime import datetime
from typing import Any

import msgspec

from regulars.channels.carrying import Manifest, MessageCarrier
from regulars.channels.model import Content, Mail, Text, WhatsAppTemplate
from regulars.channels.twilio import E164
from regulars.delivery.carrier import GaveUp, Outcome, Parcel
from regulars.kit.fields import Field, host_field, rate_field, signing_secret
from regulars.kit.http import Answer, Request
from regulars.kit.secrets import new_token

MANIFEST = Manifest(
    tool="whatsapp",
    channel="whatsapp",
    label="WhatsApp",
    summary="WhatsApp messages by Meta's Cloud API, from templates that Meta approved.",
    help_text=(
        "In Meta's app dashboard open WhatsApp, then API setup: there are the phone number ID and, for a system user, "
        "a permanent token. Give the address and the verify token below to the app's webhook, with the field messages."
    ),
    help_url="https://developers.facebook.com/apps",
    reports="whatsapp",
    fields=(
        Field(
            name="phone_number_id",
            label="Phone number ID",
            kind="text",
            pattern="[0-9]{5,30}",
            expected="the phone number ID: digits alone",
        ),
        Field(name="token", label="Access token", kind="secret", expected="the access token, without spaces"),
        Field(
            name="app_secret",
            label="App secret",
            kind="secret",
            help="From the app's basic settings: what WhatsApp reports is signed with it.",
            expected="the app secret, without spaces",
            sent_to=lambda settings: "",
        ),
        signing_secret(lambda: new_token("rgw_"), lambda settings: "", name="verify_token", label="Verify token"),
        rate_field(1_200, "WhatsApp takes 80 a second from a number."),
        host_field("WhatsApp", "https://graph.facebook.com/v23.0"),
    ),
)
_MEANS = {
    **dict.fromkeys((131_021, 131_030, 131_051, 131_009, 100), "gave_up"),
    **dict.fromkeys((131_026, 131_050), "bounced"),
    **dict.fromkeys((3, 10, 190, 200, 368, 131_005, 131_031, 131_042, 131_045, 133_010), "paused"),
    **dict.fromkeys((4, 80_007, 130_429, 131_016, 131_048, 131_056, 131_057), "later"),
}


class _Error(msgspec.Struct):
    code: int = -1
    message: str = ""
    error_data: Any = None


class _Said(msgspec.Struct):
    error: _Error | None = None


class WhatsAppCarrier(MessageCarrier):
    manifest = MANIFEST

    def _ask(self, method: str, path: str, body: bytes = b"") -> Request:
        url = f"{str(self.settings['host']).rstrip('/')}/{self.settings['phone_number_id']}{path}"
        headers = {"Authorization": f"Bearer {self.secrets['token']}", "Content-Type": "application/json"}
        return Request(method, url, headers, body, frozenset({"Authorization"}))

    def compose(self, content: Content, parcel: Parcel) -> Request | GaveUp:
        if isinstance(content, Mail):
            return GaveUp("This is no WhatsApp message.")
        if E164.fullmatch(content.to) is None:
            return GaveUp("This customer has no mobile number with its country's code. Nothing was sent.")
        said: dict[str, Any] = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": content.to[1:]}
        # What is reported of it later carries this along.
        said["biz_opaque_callback_data"] = str(parcel.delivery_id)
        if isinstance(content, Text):
            said |= {"type": "text", "text": {"body": content.body}}
        else:
            template: dict[str, Any] = {"name": content.template, "language": {"code": content.language or "en"}}
            if content.slots:
                slots = [{"type": "text", "text": slot} for slot in content.slots]
                template["components"] = [{"type": "body", "parameters": slots}]
            said |= {"type": "template", "template": template}
        return self._ask("POST", "/messages", msgspec.json.encode(said))

    def check(self, at: datetime) -> Request:
        return self._ask("GET", "?fields=verified_name,display_phone_number")

    def trial(self, to: str) -> WhatsAppTemplate:
        return WhatsAppTemplate(to, "hello_world", "en_US")

    def read(self, answer: Answer) -> Outcome:
        try:
            error = msgspec.json.decode(answer.body, type=_Said, strict=False).error or _Error()
        except (msgspec.MsgspecError, UnicodeDecodeError):
            error = _Error()
        details = error.error_data.get("details") if isinstance(error.error_data, dict) else ""
        return self.judged(answer, max(error.code, 0), str(details or error.message).rstrip("."), _MEANS)
