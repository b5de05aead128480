"""What a shop fills in to connect Klaviyo."""

from __future__ import annotations

from regulars.delivery.rate import Window
from regulars.integrations.manifest import Manifest, rate_field
from regulars.integrations.tool import any_prefix_field, host_field, selector_field
from regulars.kit.fields import Field

MANIFEST = Manifest(
    tool="klaviyo",
    label="Klaviyo",
    category="e-mail and SMS",
    summary="Each event arrives at the customer's profile, ready to start a flow or to build a segment.",
    help_text=(
        "In Klaviyo open Settings, then API keys, and choose Create private API key with full access, or a custom key "
        "that may read accounts and write events and profiles. Copy the key and paste it here. Then Initialize."
    ),
    help_url="https://www.klaviyo.com/settings/account/api-keys",
    deduplicates=True,
    fields=(
        selector_field("Klaviyo", "email", "phone", "id"),
        Field(
            name="api_key",
            label="Private API key",
            kind="secret",
            help="From Klaviyo: Settings, API keys. It begins with pk_.",
            pattern=r"pk_[\x21-\x7e]{1,200}",
            expected="the private API key as Klaviyo shows it; it begins with pk_",
        ),
        any_prefix_field(),
        rate_field(3_500, "Klaviyo takes 3,500 calls a minute for an account, and never more than 350 a second."),
        host_field("Klaviyo", "https://a.klaviyo.com"),
    ),
    windows=(Window(350, 1.0),),
)
