"""Conditions: the one filter language of the house, of rules' restrictions, triggers' conditions and segments.

It promises: one tree, one JSON form, one meaning. `parse` refuses what is wrong and names the place; a parsed tree
never raises, whatever payload it meets; the negative of an operator is its exact opposite. Every tree can be said as
a sentence and can explain its answer.

It does not know: which properties there are (a `Schema` is given to it, one per event), where trees are stored, what
happens when one holds. It reads no clock and no database.

       JSON, a form --parse, from_form--> Condition --compiled, matches--> yes or no
                   <--dump, to_form------           --sentence---------> words
                                                    --explain----------> the tree with what was found

What the JSON form is, and what each value in a payload means, stands in docs/guides/conditions.md.
"""

from regulars.conditions.edges import edge
from regulars.conditions.explanation import Failed, explain, explaining, failed
from regulars.conditions.form import DraftDone, DraftGroup, DraftRow, button_pressed, draft, from_form, to_form
from regulars.conditions.matching import Payload, Test, compiled, matches
from regulars.conditions.model import (
    AllOf,
    AnyOf,
    Choice,
    Condition,
    Deed,
    Done,
    Field,
    FieldType,
    Language,
    Measure,
    Measured,
    NoneOf,
    Part,
    Property,
    Schema,
    Why,
    choices_of,
    deeds_of,
    leaves,
    names,
    schema,
)
from regulars.conditions.operators import OPERATORS, Operator, ValueKind, operators_for
from regulars.conditions.parsing import DONE_OPERATORS, dump, parse
from regulars.conditions.reading import fold, read_date, read_number, read_text, read_yes_no
from regulars.conditions.sql import Asked, Column, People, measured, measures, members
from regulars.conditions.wording import sentence, sentence_parts
