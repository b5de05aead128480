"""SMS by Twilio, and what it reports: how a message ended, and what somebody wrote."""

import hmac
from base64 import b64encode
from datetime import datetime
from hashlib import sha1
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import msgspec

from regulars import limits
from regulars.channels.carrying import E164, Manifest, MessageCarrier, read_as
from regulars.channels.model import Content, Mail, Sender, Text
from regulars.channels.reports import Report, failed, must_be_same, stopped
from regulars.delivery.carrier import GaveUp, Outcome, Parcel
from regulars.kit import SecretBox
from regulars.kit.fields import form_of, host_field, rate_field
from regulars.kit.http import Answer, Request

_MORE = (
    rate_field(60, "Twilio sends so many a minute from your kind of number."),
    host_field("Twilio", "https://api.twilio.com"),
)
MANIFEST = Manifest(tool="twilio", channel="sms", reports="twilio", **form_of(__file__, "twilio", *_MORE))
_MEANS = {
    **dict.fromkeys((21211, 21214, 21217, 21610, 21614), "bounced"),
    **dict.fromkeys((20003, 20008, 21603, 21606, 21660, 30002), "paused"),
    **dict.fromkeys((20429, 14107, 30001), "later"),
}


class _Said(msgspec.Struct):
    code: int = 0
    message: str = ""


class TwilioCarrier(MessageCarrier):
    manifest = MANIFEST

    def _ask(self, method: str, below: str, body: bytes = b"") -> Request:
        account = self.settings["account_sid"]
        url = f"{str(self.settings['host']).rstrip('/')}/2010-04-01/Accounts/{account}{below}.json"
        login = b64encode(f"{account}:{self.secrets['auth_token']}".encode()).decode()
        headers = {"Authorization": f"Basic {login}", "Content-Type": "application/x-www-form-urlencoded"}
        return Request(method, url, headers, body, frozenset({"Authorization"}))

    def compose(self, content: Content, parcel: Parcel) -> Request | GaveUp:
        if isinstance(content, Mail) or E164.fullmatch(content.to) is None:
            return GaveUp("This customer has no mobile number with its country's code. Nothing was sent.")
        sent_from = str(self.settings["sent_from"])
        form = {"To": content.to, "MessagingServiceSid" if sent_from.startswith("MG") else "From": sent_from}
        if isinstance(content, Text):
            form["Body"] = content.body
        else:
            slots = {str(n): slot for n, slot in enumerate(content.slots, start=1)}
            form |= {"ContentSid": content.template, "ContentVariables": msgspec.json.encode(slots).decode()}
        if self.reports_at.startswith("https://"):
            form["StatusCallback"] = f"{self.reports_at}/{parcel.delivery_id}"
        return self._ask("POST", "/Messages", urlencode(form).encode())

    def check(self, at: datetime) -> Request:
        return self._ask("GET", "")

    def trial(self, to: str) -> Text:
        return Text(to, "This is a test. SMS works.")

    def read(self, answer: Answer) -> Outcome:
        said = read_as(_Said, answer.body)
        return self.judged(answer, said.code, said.message, _MEANS)


def read_twilio(
    sender: Sender, box: SecretBox, address: str, message_id: UUID | None, signature: str, body: bytes
) -> list[Report]:
    """`address` is what Twilio called, as it called it. Raises Unauthenticated."""
    try:
        said = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=limits.REPORTS_MAX)
    except ValueError:
        said = []
    token = box.open(sender.sealed, workspace_id=sender.workspace_id, thing_id=sender.id)["auth_token"]
    signed = address + "".join(name + value for name, value in sorted(said))
    must_be_same(b64encode(hmac.digest(token.encode(), signed.encode(), sha1)).decode(), signature)
    form = dict(said)
    if message_id is None:
        return stopped(form.get("From", ""), form.get("Body", ""))
    if form.get("MessageStatus") not in ("failed", "undelivered"):
        return []
    return failed("Twilio", message_id, form.get("To", ""), form.get("ErrorCode", ""))
