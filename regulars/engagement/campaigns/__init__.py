"""Campaigns: a message to many at once, who they are, and what came of it.

Promises: whoever is in the segment when a campaign begins gets one message, or there is a reason why not; nobody gets
two. Recipients are rows, and a message is reserved before it is sent, so that whatever dies meanwhile, nobody is left
out. Few messages are reserved ahead, so that others of the same sender do not wait behind a whole campaign, and what is
paused or cancelled is so at once. It is not finished while one message is open. Nothing leaves after its latest time.

    draft --launch--> scheduled --its time--> building --all are found--> sending --nothing is open--> finished
                          ^   \\________________|___________________________/  |
                          |                    pause                          cancel --> cancelled
                          `--resume-- paused <---'

Does not know what a message says, whether somebody agreed to it, nor how it leaves (`messages`).

Lock order: a campaign, then its recipients; what is queued comes last. Messages that are asked about are locked before.
"""

from regulars.engagement.campaigns.authoring import (
    change_campaign,
    copy_campaign,
    create_campaign,
    delete_campaign,
    find_campaign,
    gives,
    list_campaigns,
    sentences,
)
from regulars.engagement.campaigns.launching import cancel, launch, pause, resume
from regulars.engagement.campaigns.model import FOLLOW, RUN, Campaign, Terms, Variant
from regulars.engagement.campaigns.reporting import (
    Hour,
    Recipient,
    Report,
    count_to,
    follow,
    forget,
    move,
    recipients_of,
    report,
    reports,
)
from regulars.engagement.campaigns.running import run
from regulars.engagement.campaigns.telling import OfMessages
