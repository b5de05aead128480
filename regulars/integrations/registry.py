"""The tools that can be connected. A new one is a table of `tools.toml`, or a file and a line here."""

from regulars.integrations import streams, tool, webhook
from regulars.integrations.manifest import Connector, Manifest
from regulars.kit.fields import Known

CONNECTORS: Known[Connector] = Known(
    "tool", "What is to be sent there waits", {**tool.connectors(), "webhook": webhook.CONNECTOR, **streams.CONNECTORS}
)


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
