"""Klaviyo: e-mail and SMS marketing. Events (Klaviyo: metrics) start its flows, profiles build its segments.

Events carry a `unique_id`, which is the delivery's, so one that comes twice counts once and an unclear end is always
tried again. Without it Klaviyo would keep only one event of a profile, metric and second.
"""

from regulars.integrations.klaviyo.carrier import KlaviyoCarrier
from regulars.integrations.klaviyo.manifest import MANIFEST
from regulars.integrations.manifest import Connector

CONNECTOR = Connector(manifest=MANIFEST, carrier=KlaviyoCarrier)
