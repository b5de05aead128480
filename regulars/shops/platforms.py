"""The platforms that can be connected. A new one is a file and a line here."""

from regulars.kit.fields import Known
from regulars.shops import shopify, website, woocommerce
from regulars.shops.model import Platform

PLATFORMS: Known[Platform] = Known(
    "platform", "Its hooks wait", {one.PLATFORM.platform: one.PLATFORM for one in (shopify, woocommerce, website)}
)
