"""The tools that can be connected. A new one is a file and a line here."""

from regulars.integrations import contlo, klaviyo, omnisend, webhook
from regulars.integrations.manifest import Connector, Manifest
from regulars.kit.errors import Conflict, invalid

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


def kept_connector(tool: str) -> Connector:
    """Of an integration that is kept. Raises Conflict for a tool that only another version of Regulars knows."""
    connector = CONNECTORS.get(tool)
    if connector is None:
        raise Conflict(
            f"This version of Regulars does not know the tool {tool}. What is to be sent there waits for one that does."
        )
    return connector


def manifest_of(tool: str) -> Manifest:
    """To be shown with an integration that is kept: it says so when the tool is not known."""
    if tool in CONNECTORS:
        return CONNECTORS[tool].manifest
    words = "This version of Regulars does not know this tool, so its settings can't be shown or changed."
    return Manifest(
        tool=tool,
        label=tool,
        category="developers",
        summary=words,
        help_text=words,
        help_url="",
        deduplicates=False,
        fields=(),
    )
