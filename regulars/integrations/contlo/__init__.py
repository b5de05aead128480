"""Contlo: e-mail, SMS and WhatsApp marketing. Events start its automations, profile properties build its segments.

What its documents leave to find out: whether an `event_id` that comes twice counts once. So an event whose end is
unclear is sent again only if the shop chooses so (`retry_unclear`).
"""

from regulars.integrations.contlo.carrier import ContloCarrier
from regulars.integrations.contlo.manifest import MANIFEST
from regulars.integrations.manifest import Connector

CONNECTOR = Connector(manifest=MANIFEST, carrier=ContloCarrier)
