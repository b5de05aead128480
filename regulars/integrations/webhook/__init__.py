"""Webhooks: each event posted to an address of the shop's own, signed so that the receiver knows who sent it.

The receiver takes calls with one `webhook-id` for one, so an unclear end is always tried again.
"""

from regulars.integrations.manifest import Connector
from regulars.integrations.webhook.carrier import WebhookCarrier
from regulars.integrations.webhook.manifest import MANIFEST

CONNECTOR = Connector(manifest=MANIFEST, carrier=WebhookCarrier)
