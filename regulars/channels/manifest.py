"""The kinds of senders. A new one is a file and a line here."""

from regulars.channels.carrying import MessageCarrier
from regulars.channels.email import MailCarrier
from regulars.channels.twilio import TwilioCarrier
from regulars.channels.whatsapp import WhatsAppCarrier
from regulars.kit.fields import Known

CARRIERS: dict[str, type[MessageCarrier]] = {
    one.manifest.tool: one for one in (MailCarrier, TwilioCarrier, WhatsAppCarrier)
}
SENDERS = Known("tool", "What is to be sent there waits", {tool: one.manifest for tool, one in CARRIERS.items()})
