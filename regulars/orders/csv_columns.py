"""The columns of a file of orders: what each field is called, in our words and in those of the well-known exports.
Those that must be there are REQUIRED, in any order; all others may be."""

from regulars.kit.csv_file import Columns
from regulars.orders.model import PASSED_ON

REQUIRED = ("order_id", "customer_id", "amount", "placed_at")
OF_LINES = (
    *("line_product_id", "line_variant_id", "line_title", "line_quantity", "line_price", "line_amount"),
    *("line_discount", "line_tags", "line_collections"),
)
KNOWN = (
    *REQUIRED,
    *("source", "name", "currency", "items_count", "discount", "tax", "shipping", "coupon_codes", "refunded"),
    *("cancelled_at", "tags", "note", "status", "financial_status", "delivery_status", "updated_at"),
    *("customer_name", "email", "mobile", "country"),
    *PASSED_ON,
    *OF_LINES,
)
# How the exports of shops and spreadsheets call them, beside our own names.
_ALSO_CALLED = {
    "order_id": "order order_number order_no order_reference reference_id id",
    "customer_id": "customer customer_number customer_no customer_user_id user_id client_id",
    "amount": "total order_total grand_total total_amount total_price",
    "placed_at": "date order_date ordered_at created_at placed_on created",
    "currency": "currency_code",
    "name": "order_name",
    "items_count": "items items_number number_of_items quantity",
    "discount": "discount_amount total_discount discounts",
    "tax": "taxes tax_amount total_tax vat",
    "shipping": "shipping_amount shipping_total total_shipping shipping_cost",
    "coupon_codes": "coupon_code coupon coupons discount_code discount_codes",
    "refunded": "refunded_amount refund_amount total_refunded",
    "cancelled_at": "canceled_at cancelled_on",
    "tags": "order_tags",
    "note": "notes order_note customer_note",
    "financial_status": "payment_status",
    "delivery_status": "fulfillment_status fulfilment_status",
    "updated_at": "modified_at last_modified date_modified updated",
    "customer_name": "full_name billing_name",
    "email": "e_mail customer_email email_address billing_email",
    "mobile": "phone mobile_number phone_number customer_phone billing_phone",
    "country": "country_code billing_country",
    "payment_source": "payment_gateway gateway",
    "payment_medium": "payment_method",
    "line_product_id": "product_id lineitem_product_id",
    "line_variant_id": "variant_id lineitem_variant_id sku lineitem_sku",
    "line_title": "lineitem_name line_item_name product_name item_name",
    "line_quantity": "lineitem_quantity line_item_quantity item_quantity",
    "line_price": "lineitem_price line_item_price item_price unit_price",
    "line_amount": "lineitem_total line_total line_item_total item_total",
    "line_discount": "lineitem_discount",
    "line_tags": "product_tags",
    "line_collections": "collections collection product_collections product_category product_categories",
}
COLUMNS = Columns(REQUIRED, KNOWN, _ALSO_CALLED)
# What a file says of an order that may be held against what is kept, by column. Of an amount it always says a currency.
FACTS = {
    **{name: (name,) for name in ("placed_at", "name", "items_count", "status", "financial_status", "delivery_status")},
    **{name: (name,) for name in ("coupon_codes", "tags", "note")},
    **dict.fromkeys(PASSED_ON, ("detail",)),
    **dict.fromkeys(OF_LINES, ("lines",)),
    "amount": ("amount_minor", "currency_code"),
    "discount": ("discount_minor",),
    "tax": ("tax_minor",),
    "shipping": ("shipping_minor",),
    "refunded": ("refunds",),
}
