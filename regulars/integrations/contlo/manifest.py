"""What a shop fills in to connect Contlo."""

from __future__ import annotations

from regulars.integrations.manifest import Manifest, rate_field
from regulars.integrations.tool import any_prefix_field, host_field, retry_unclear_field, selector_field
from regulars.kit.fields import Field

MANIFEST = Manifest(
    tool="contlo",
    label="Contlo",
    category="e-mail and SMS",
    summary="Each event arrives at the customer's profile, ready to start an automation or to build a segment.",
    help_text=(
        "In Contlo open Store settings, then API keys. Copy the private key and paste it here. Then Initialize."
    ),
    help_url="https://marketing.contlo.com",
    deduplicates=False,
    fields=(
        selector_field("Contlo", "email", "phone"),
        Field(
            name="api_key",
            label="API key",
            kind="secret",
            help="From Contlo: Store settings, API keys.",
            expected="the API key as Contlo shows it, without spaces",
        ),
        any_prefix_field(),
        retry_unclear_field("Contlo"),
        rate_field(600, "Contlo names no rate. Lower it if deliveries are answered 429."),
        host_field("Contlo", "https://api.contlo.com"),
    ),
)
