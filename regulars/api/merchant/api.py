"""The merchant API itself, for its operations to declare themselves on."""

from __future__ import annotations

from regulars.api.operations import Api

merchant = Api(
    "merchant",
    "/api/v2/merchant",
    "envelope",
    "Merchant API",
    """What a store calls: reward a customer by a trigger, make customers known, move and read coins.

Every call carries the headers `x-apikey`, `x-workspaceid` and `x-source` (`mobile`, `unix` or `web`). A success is 200
with `{"meta": {"status": "success", "code": 200}, "data": {...}}`: one thing is `data.item`, a list is `data.items`
with `data.count`. The same envelope carries a refusal, `meta` then says `error` and the HTTP status: `data.message`
says what is wrong in words, `data.code` is stable, `data.fields` says of each wrong field what was expected. A refused
call changes nothing.

Bodies are JSON, or a URL-encoded form in which an object is written `metadetail[email]=...`, or as JSON. A null is the
same as a key left out, `12.0` is the whole number 12, and a date may be a date-time, whose day in UTC counts. Details
of a customer who is known, and an override of a trigger that allows none, are ignored, whatever they hold.

READ keys read, and fire triggers that are Open; WRITE keys do all. READ keys see e-mail addresses and mobile numbers
masked. A key of the purpose STOREFRONT stands in a shop's pages, so it answers only about the customer whose proof
comes with the call: a page is given `x-leaddigest`, which looks the customer up, and gets an `x-leadtoken` in return,
which every further call carries.

Calls that write take an `Idempotency-Key`: sent again with the same body they answer what they answered first, with
`Idempotency-Hit: true`, and do nothing; with another body they are refused.""",
    dict.fromkeys(("Activities", "Leads", "Wallet transactions", "Triggers")),
)
