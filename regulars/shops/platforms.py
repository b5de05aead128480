"""The platforms that can be connected. A new one is a file and a line here."""

from regulars.kit.errors import Conflict, invalid
from regulars.shops import shopify, woocommerce
from regulars.shops.model import Platform
from regulars.shops.website import PLATFORM as WEBSITE

PLATFORMS: dict[str, Platform] = {one.platform: one for one in (shopify.PLATFORM, woocommerce.PLATFORM, WEBSITE)}


def platform_of(name: str) -> Platform:
    """Raises Invalid for a platform that is not known."""
    platform = PLATFORMS.get(name)
    if platform is None:
        raise invalid("platform", "one of: " + ", ".join(PLATFORMS))
    return platform


def kept_platform(name: str) -> Platform:
    """Of a source that is kept. Raises Conflict for one that only another version of Regulars knows."""
    platform = PLATFORMS.get(name)
    if platform is None:
        raise Conflict(f"This version of Regulars does not know the platform {name}. Its hooks wait for one that does.")
    return platform
