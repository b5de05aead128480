"""Events about coins: each wallet transaction, coins that lie unused, coins that will expire."""

from typing import Annotated

from regulars.events.catalogue.common import BusinessId, Common, Number, listed, says

OPERATIONS = {"cr": "credited", "dr": "debited"}
TRANSACTION_TYPES = ("reward", "redeem", "adjust", "expire", "revert", "referral", "import")
WALLETS = ("coins", "credits")


class WalletTransaction(Common, frozen=True, kw_only=True, gc=False):
    """Coins were credited to or debited from a customer's wallet, or such a transaction changed."""

    entity_id: BusinessId
    lead_id: Annotated[str, says("Id of the customer here.", "19c794f5-5ba6-4bf9-b30b-8666ae71d324")]
    activity_id: Annotated[str, says("Id of the trigger's firing that led to it.", "")]
    title: Annotated[str, says("What the transaction is for.", "Order #1028")]
    description: Annotated[str, says("The same at length.", "")]
    amount: Annotated[float | int, listed, says("Coins moved, always above 0.", 1)]
    closing_balance: Annotated[float | int, listed, says("Coins in the wallet after the transaction.", 1)]
    consolidated_cr: Annotated[float | int, listed, says("All coins ever credited to the wallet.", 1)]
    consolidated_dr: Annotated[float | int, listed, says("All coins ever debited from the wallet.", 0)]
    hash: Annotated[str, says("Fingerprint of the transaction.", "98f49c894265d162dd8d2e1dbee0fffe9fc4445d")]
    meta__lead_name: Annotated[str, says("The customer's name.", "Asha Rao")]
    operation: Annotated[str, says("cr: coins were credited; dr: coins were debited.", "cr", "dr")]
    type: Annotated[str, says(f"Why coins moved: {listed(TRANSACTION_TYPES)}.", *TRANSACTION_TYPES)]
    status: Annotated[str, says("State of the transaction.", "success")]
    updated_at: Annotated[str, says("When the transaction was last changed.", "2023-05-18T06:37:57.506Z")]
    created_at: Annotated[str, says("When the transaction was made.", "2023-05-18T06:37:57.506Z")]
    wallet: Annotated[str, says(f"Which of the customer's wallets: {listed(WALLETS)}.", *WALLETS)] = "coins"
    wallettransaction_id: Annotated[str, says("Id of the wallet transaction.", "0b1c2d3e-4f50-4617-8293-a4b5c6d7e8f9")]
    order_id: Annotated[str, says("Id of the order here that it is about, if one is.", "")] = ""
    reference_order_name: Annotated[str, says("That order's name as people know it.", "")] = ""


class UnusedCoins(WalletTransaction, frozen=True, kw_only=True, gc=False):
    """A customer's coins lie unused: their newest wallet transaction, which was some days ago."""

    meta__unusedwalletcoinrequest_count: Annotated[Number, says("Which reminder of these coins it is, from 1.", 1)]


class CoinExpiry(Common, frozen=True, kw_only=True, gc=False):
    """Coins of a customer expire in a month, a week or a day."""

    wallet_expiry_unit: Annotated[str, says("How soon: month, week or day.", "month", "week", "day")]
    wallet_expiry_amount: Annotated[float | int, listed, says("Coins that will expire.", 500)]
    wallet_expiry_notify_generated_on: Annotated[str, says("When this was found out.", "2023-04-26T11:23:07.692Z")]
    wallet_expiry_estimated_on: Annotated[str, says("When the coins expire.", "2023-04-26T11:23:07.692Z")]
    wallet_expiry_formatted_estimated_on: Annotated[
        str, says("The same for people, in the shop's time zone.", "June 2nd 2023, 6:40:33 am")
    ]
    entity_id: BusinessId
