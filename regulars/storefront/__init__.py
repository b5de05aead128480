"""The door for a shop's customers: their own page, and the widget in the shop's pages (`/storefront/v1`).

Promises: whoever is shown is proven, by a token or a digest of the shop's server, never by an id alone and never by a
cookie. What is shown is as of one instant, in a fixed number of statements. What is bought is bought once for each
Idempotency-Key. The script needs nothing of the page that it stands in: it works among other scripts that have changed
what browsers come with, and under a strict content-security policy.

Does not decide anything: offers, limits and tiers answer for themselves.

    page's script --the shop's id--> theme, ways to earn, offers
                 `--with a token, or a digest--> what this customer has; buys for them
"""

# First the merchant API: two of its routes say what is shown here, in whose items it is shown.
from regulars.api import merchant
from regulars.storefront.showing import Shown, show, with_somebody
from regulars.storefront.theme import Theme, check, language_of, theme_of
