"""One question to all rooms: what is meant by what somebody typed.

Promises: customers by any word, orders by their ids and names, coupons by their codes, and whatever has an id by that
id, all in one answer. Nothing is read but by a key.

Does not know how it is shown: the dashboard's box and the API ask the same.
"""

from regulars.search.everywhere import Found, everywhere
