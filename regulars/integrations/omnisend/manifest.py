"""What a shop fills in to connect Omnisend."""

from __future__ import annotations

from regulars.integrations.manifest import Field, Manifest, Option, rate_field

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
        Field(
            name="primary_selector",
            label="Primary selector",
            kind="select",
            help="How Omnisend knows your customers. A customer without it is not sent.",
            default="email",
            options=(
                Option("email", "E-mail"),
                Option("phone", "Mobile number"),
                Option("id", "Customer id"),
            ),
        ),
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
        Field(
            name="retry_unclear",
            label="When it is unclear whether Omnisend received an event",
            kind="select",
            help=(
                "Omnisend does not recognise an event that it gets twice. Sending again may start an automation twice; "
                "not sending again may lose the event."
            ),
            default="no",
            options=(Option("no", "Do not send it again"), Option("yes", "Send it again")),
        ),
        rate_field(400, "Omnisend takes 400 calls a minute from a brand, all its tools together."),
        Field(
            name="host",
            label="Address of Omnisend",
            kind="url",
            help="Only changed to try things out with the sandbox.",
            default="https://api.omnisend.com",
            expected="an address such as https://api.omnisend.com",
        ),
    ),
)
