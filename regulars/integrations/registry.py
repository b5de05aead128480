"""The tools that can be connected. A new one is a new folder and a line here."""

from __future__ import annotations

from regulars.integrations import contlo, klaviyo, omnisend, webhook
from regulars.integrations.manifest import Connector
from regulars.kit.errors import invalid

CONNECTORS: dict[str, Connector] = {
    connector.manifest.tool: connector
    for connector in (omnisend.CONNECTOR, klaviyo.CONNECTOR, contlo.CONNECTOR, webhook.CONNECTOR)
}


def connector_of(tool: str) -> Connector:
    """Raises Invalid for a tool that is not known."""
    connector = CONNECTORS.get(tool)
    if connector is None:
        raise invalid("tool", "one of: " + ", ".join(CONNECTORS))
    return connector
