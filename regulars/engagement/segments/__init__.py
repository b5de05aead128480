"""Segments: who belongs together, by what they are and what they have done.

Promises: a segment's members are those of whom its condition holds. A static one's were found once, and can be found
anew; a live one's follow what happens within a second of it, and what only time changes at the moment it does. Who
enters or leaves a live one is told of as an event that names its cause, so that a circle comes to rest. Who belongs to
one when it is made, or its condition is changed, is found without a word. A segment may ask about others, but not in a
circle.

    made, or changed --find--> found --an event, a day that passes: follow, look--> found, those who moved are told of

Reads the log by a name of its own, and only what a live segment mentions. Rooms below read who is in which segment in
the view `segments_membership`, and know nothing else of it.

Lock order: the shop's turn, then segments and members.
"""

from regulars.engagement.segments.finding import Count, count, find, find_again, searched, some_members
from regulars.engagement.segments.following import follow, forget, look, moved
from regulars.engagement.segments.keeping import change_segment, create_segment, delete_segment
from regulars.engagement.segments.language import LANGUAGE, language, mentions, uses
from regulars.engagement.segments.model import Kind, Member, NewSegment, Segment
from regulars.engagement.segments.reading import (
    get_segment,
    language_of,
    list_segments,
    members_of,
    seen,
    segments_of,
    why,
)
from regulars.engagement.segments.store import FIND, LOOK
