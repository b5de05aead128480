"""How messages leave: e-mail by SMTP, SMS by Twilio, WhatsApp by the Cloud API, each from a sender that the shop made.

Promises: what a shop fills in is checked against the manifest, and secrets are encrypted, as of integrations; nothing
is sent from an e-mail address before somebody read a code there. What a message says is asked for right before it is
sent (`written_by`), and whoever wrote it is told what became of it. What providers report (an address that is nobody's,
a complaint, STOP) is believed only if it is signed as they sign.

Does not know who may be written to, nor why. A sender's id is its lane's too (`delivery`).

    new --Initialize--> ready <--Initialize--> paused (by the server's answer, by a person)
      `--(e-mail: a code is mailed)--> new --verify--> ready
"""

from regulars.channels.carrying import Manifest
from regulars.channels.manifest import SENDERS
from regulars.channels.model import Channel, Content, Mail, Ready, Sender, Shown, Text, WhatsAppTemplate
from regulars.channels.readiness import Checked, carrier, check, conclude, pause, reports_at, send_test, tell, verify
from regulars.channels.reports import Report, read_bounces, take_reports
from regulars.channels.setup import add, change, list_senders, remove
from regulars.channels.store import find_sender, sender_of_hook
from regulars.channels.store import sender as get_sender
from regulars.channels.twilio import read_twilio
from regulars.channels.whatsapp import read_whatsapp
from regulars.channels.writing import Author, prepare, settle, written_by
from regulars.delivery import Later, Outgoing, Skipped
from regulars.delivery import queue_messages as queue
