"""Who: the shop's customers.

Promises: a customer is known by the shop's own `customer_id`, once per workspace, from the first time anybody mentions
it; calls that race to create the same customer all get the same one. Creating and changing one appends `lead_create`
and `lead_update` in the same transaction. What a shop reported is kept as it was given, checked first.

Does not know what coins are; the balance an event mentions is read from the ledger's published view.
"""

from regulars.customers.changing import Change, change, change_all, refer, set_tiers
from regulars.customers.creation import Ensured, Ensuring, create, ensure
from regulars.customers.finding import (
    Sort,
    after,
    born_on,
    by_emails,
    by_mobiles,
    count,
    created_within,
    find,
    get,
    search,
)
from regulars.customers.merging import CustomerErased, erase, lock_both, merge
from regulars.customers.model import CHANGEABLE, Customer, NewCustomer, check, check_changes, seen
from regulars.customers.own import (
    OWN,
    PROPERTY_TYPES,
    TAGS,
    check_declared,
    check_tags,
    checked_properties,
    declared,
    own_fields,
    own_payload,
    settled,
    tags_that_fit,
    typed,
)
from regulars.customers.spending import Spending, count_spending
from regulars.customers.store import by_customer_ids, by_ids, by_referral_codes, ids_of, shops_of_code
