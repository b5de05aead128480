"""Conditions: the one filter language of the house. A rule's restrictions are written in it; triggers, automations and
segments are to follow.

It promises: one tree, one JSON form, one meaning. `parse` refuses what is wrong and names the place; a parsed tree
never raises, whatever payload it meets; the negative of an operator is its exact opposite. Every tree can be said as
a sentence and can explain its answer.

It does not know: which properties there are (a `Schema` is given to it, one per event), where trees are stored, what
happens when one holds. It reads no clock and no database.

       JSON, a form --parse, from_form--> Condition --compiled, matches--> yes or no
                   <--dump, to_form------           --sentence---------> words
                                                    --explain----------> the tree with what was found

The JSON form
-------------
A group is an object with one key, `all`, `any` or `none`, and a list of at least one condition; a leaf names a
property, an operator and, unless the operator takes none, a value:

    {"property": "amount", "operator": "at_least", "value": 100}

    {"all": [
        {"property": "operation", "operator": "is", "value": "cr"},
        {"any": [
            {"property": "type", "operator": "one_of", "value": ["reward", "referral"]},
            {"property": "created_at", "operator": "in_last_days", "value": 30}]},
        {"none": [
            {"property": "user_country", "operator": "is_not_set"}]}]}

No condition at all is null where the tree would stand, and is not handed to this room.

    type    operators (value)
    text    is, is_not, contains, does_not_contain, starts_with, ends_with (a text); one_of, not_one_of (a list of
            texts). A field with choices takes is, is_not, one_of and not_one_of, and only its choices.
    number  at_least, at_most, more_than, less_than, is, is_not (a JSON number); between ([lowest, highest], inclusive)
    yes_no  is (true or false)
    date    on, before, after ("2026-03-14"); between ([first, last], inclusive); in_last_days, in_next_days (1 or
            more); anniversary (no value); day_of_year ("03-14", month first as in ISO 8601)
    list    any_of, all_of, none_of (a list of texts)
    all     is_set, is_not_set (no value)

What a payload's value means
----------------------------
Unset is a property that is missing, null, `''`, white space, an empty list, or a value that cannot be read as the
field's type. On unset every operator is false, except is_not_set, the negative ones (is_not, not_one_of,
does_not_contain, none_of: "country is not India" holds for who has no country) and yes_no `is false` (the wire writes
`''` for no).

text    compared without regard to case (Unicode case folding), to how accents are composed (NFC), or to white space
        around. Numbers and yes/no read as JSON writes them, `5.0` as `5`.
number  a JSON number or a text that is one: `"200.00"` is 200. Not `"1,000"`, not `"₹5"`, not true. Note that an
        event's numbers without a value are 0 on the wire, and 0 is a number.
yes_no  true and false; 1 and 0; the texts true, yes, 1, false, no, 0.
date    `2023-05-26T07:44:03.862Z` with any offset (without one: by the shop's clock), `2023-05-26`, and as birthdays
        are on the wire `26-05-2023` and `26-05`. Comparisons are between calendar days in the shop's time zone.
        in_last_days n: from n days before today up to now; in_next_days n: from now to the end of the day n days
        after today; a value without a time counts as its whole day, so today is in both. anniversary: today's month
        and day, in a later year than the value's; 29 February is kept on the 28th in other years. A day without a
        year answers only anniversary, day_of_year, is_set and is_not_set.
list    an array; any other readable value is a list of one. Items are compared as texts.

Where this grows
----------------
Leaves about what someone has done (an event, how often, over what time) become one more member of `Condition`, told
apart from a property by their own key in the JSON form. The same tree, compiled by `conditions/sql.py`, becomes a query
over one customer or over all; the meanings above are chosen so that SQL can keep them.

`form.py` tells how a builder without JavaScript encodes a tree.
"""

from regulars.conditions.explanation import Failed, explain, failed
from regulars.conditions.form import (
    DraftGroup,
    DraftRow,
    button_pressed,
    draft,
    fits_form,
    from_form,
    to_form,
)
from regulars.conditions.matching import Payload, Test, compiled, matches
from regulars.conditions.model import (
    AllOf,
    AnyOf,
    Choice,
    Condition,
    Field,
    FieldType,
    NoneOf,
    Part,
    Property,
    Schema,
    Why,
    names,
    schema,
)
from regulars.conditions.operators import OPERATORS, Operator, ValueKind, operators_for
from regulars.conditions.parsing import dump, parse
from regulars.conditions.wording import sentence, sentence_parts
