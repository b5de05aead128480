"""Coins and credits at the shop's checkout: what a cart may use, used once, given back.

Promises: a cart is answered for by its `reference_order_id`, once and for ever: performed again it is the same, however
many ask at once, and reverted it is never performed again, in whatever order the two arrive. Credits go first, coins
pay what is left, and never is more taken than the cart asks for. What is taken is decided under the locks of the
customer's wallets, so that two carts at once share what there is.

    perform --> held --the order comes in--> taken     (a hold that the shop did not hear of is void at its time limit)
       |         `--revert--> reverted <--revert-- taken --its order is void--> returned --revert--> reverted
       `--> taken                                    ^-----it counts again--------'
                                                 (a shop may have carts debited at once)
    revert of what was never performed --> reverted

Does not know who calls: a door proves it, by the connection's secret. Nor what coins are earned by.

Lock order: payments by reference, then wallets.
"""

from regulars.checkout.connecting import Connected, Known, connect, disconnect, known_by_hook, rotate, verify
from regulars.checkout.errors import CartChanged, CheckoutReverted, NotConnected
from regulars.checkout.model import Cart, Connection, Payment, Quote, Rules, WalletType, quoted
from regulars.checkout.orders import settle_orders
from regulars.checkout.performing import Done, perform, quote, revert
from regulars.checkout.store import connection
