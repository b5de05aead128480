"""SMS by Twilio."""

import re
from base64 import b64encode
from datetime import datetime
from urllib.parse import urlencode

import msgspec

from regulars.channels.carrying import Manifest, MessageCarrier
from regulars.channels.model import Content, Mail, Text
from regulars.delivery.carrier import GaveUp, Outcome, Parcel
from regulars.kit.fields import Field, host_field, rate_field
from regulars.kit.http import Answer, Request

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
MANIFEST = Manifest(
    tool="twilio",
    channel="sms",
    label="Twilio",
    summary="SMS by Twilio, from a number or a messaging service.",
    help_text=(
        "The Account SID and the Auth Token stand on the first page of the Twilio console. Give the address below to "
        "your number or messaging service, for incoming messages, so that STOP is heard."
    ),
    help_url="https://console.twilio.com",
    reports="twilio",
    fields=(
        Field(
            name="account_sid",
            label="Account SID",
            kind="text",
            pattern="AC[0-9a-fA-F]{32}",
            expected="the Account SID: AC and 32 digits and letters",
        ),
        Field(name="auth_token", label="Auth token", kind="secret", expected="the Auth Token, without spaces"),
        Field(
            name="sent_from",
            label="Sent from",
            kind="text",
            help="A number of yours, a name that Twilio lets you send by, or a messaging service.",
            pattern=r"\+[1-9][0-9]{6,14}|MG[0-9a-fA-F]{32}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}",
            expected="a number such as +14155550100, or a messaging service: MG and 32 digits and letters",
        ),
        rate_field(60, "Twilio sends so many a minute from your kind of number; more wait at Twilio for hours."),
        host_field("Twilio", "https://api.twilio.com"),
    ),
)
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

    @property
    def _account(self) -> str:
        return f"{str(self.settings['host']).rstrip('/')}/2010-04-01/Accounts/{self.settings['account_sid']}"

    def _ask(self, method: str, url: str, body: bytes = b"") -> Request:
        login = b64encode(f"{self.settings['account_sid']}:{self.secrets['auth_token']}".encode()).decode()
        headers = {"Authorization": f"Basic {login}", "Content-Type": "application/x-www-form-urlencoded"}
        return Request(method, url, headers, body, frozenset({"Authorization"}))

    def compose(self, content: Content, parcel: Parcel) -> Request | GaveUp:
        if isinstance(content, Mail):
            return GaveUp("This is no SMS.")
        if E164.fullmatch(content.to) is None:
            return GaveUp("This customer has no mobile number with its country's code. Nothing was sent.")
        sent_from = str(self.settings["sent_from"])
        fields = {"To": content.to, "MessagingServiceSid" if sent_from.startswith("MG") else "From": sent_from}
        if isinstance(content, Text):
            fields["Body"] = content.body
        else:
            slots = {str(n): slot for n, slot in enumerate(content.slots, start=1)}
            fields |= {"ContentSid": content.template, "ContentVariables": msgspec.json.encode(slots).decode()}
        if self.reports_at.startswith("https://"):
            fields["StatusCallback"] = f"{self.reports_at}/{parcel.delivery_id}"
        return self._ask("POST", f"{self._account}/Messages.json", urlencode(fields).encode())

    def check(self, at: datetime) -> Request:
        return self._ask("GET", f"{self._account}.json")

    def trial(self, to: str) -> Text:
        return Text(to, "This is a test. SMS works.")

    def read(self, answer: Answer) -> Outcome:
        try:
            said = msgspec.json.decode(answer.body, type=_Said, strict=False)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            said = _Said()
        return self.judged(answer, said.code, said.message.rstrip("."), _MEANS)
