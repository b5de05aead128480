"""Omnisend: e-mail and SMS marketing. Events start its automations and build its segments.

What its documents leave to find out: `eventID` does not deduplicate events that start automations, so an event whose
end is unclear can start one twice if it is sent again. That is the shop's choice (`retry_unclear`).
"""

from regulars.integrations.manifest import Connector
from regulars.integrations.omnisend.carrier import OmnisendCarrier
from regulars.integrations.omnisend.manifest import MANIFEST

CONNECTOR = Connector(manifest=MANIFEST, carrier=OmnisendCarrier)
