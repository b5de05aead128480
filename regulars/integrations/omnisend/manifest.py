"""What a shop fills in to connect Omnisend."""

from __future__ import annotations

from regulars.integrations.manifest import Manifest, rate_field
from regulars.integrations.tool import host_field, prefix_field, retry_unclear_field, selector_field
from regulars.kit.fields import Field, Option

MANIFEST = Manifest(
    tool="omnisend",
    label="Omnisend",
    category="e-mail and SMS",
    summary="Each event arrives at the customer's contact, ready to start an automation or to build a segment.",
    help_text=(
        "In Omnisend open Store settings, then API keys, and choose Create API key. Select all permissions, copy the "
        "key and paste it here. Then Initialize."
    ),
    help_url="https://app.omnisend.com/integrations/api-keys",
    deduplicates=False,
    fields=(
        selector_field("Omnisend", "email", "phone", "id"),
        Field(
            name="api_key",
            label="API key",
            kind="secret",
            help="From Omnisend: Store settings, API keys, with all permissions.",
            expected="the API key as Omnisend shows it, without spaces",
        ),
        Field(
            name="api_version",
            label="API version",
            kind="select",
            help="Keep the current one unless your Omnisend account was told otherwise.",
            default="2026-03-15",
            options=(Option("2026-03-15", "2026-03-15 (current)"), Option("v5", "v5 (older)")),
        ),
        retry_unclear_field("Omnisend"),
        rate_field(400, "Omnisend takes 400 calls a minute from a brand, all its tools together."),
        prefix_field("", r"[A-Za-z0-9_]{0,40}", "at most 40 Latin letters, digits and underscores"),
        host_field("Omnisend", "https://api.omnisend.com"),
    ),
)
