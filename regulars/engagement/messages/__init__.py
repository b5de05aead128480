"""What is said to customers by e-mail, SMS and WhatsApp, and to whom it may be said.

Promises: nothing is sent to whoever did not agree, or asked not to be written to; a message that was not sent says why.
What a template names is checked when it is saved, and filled in with what is true when it is sent. Nothing that a
customer is called can become markup, a header, or a link of ours to elsewhere.

    queued --prepared: consent, suppression, cap, quiet hours, the template's variables--> sent | failed | uncertain
       |  ^     |`--a reason stops it--> skipped
       |  `-----' quiet hours: later

    consent:  (what the shop knows) --> yes <--> no;  with double opt-in:  yes --> asked --confirmed--> yes

Does not know how a message leaves (`channels`), nor why it is sent.
"""

from regulars.engagement.messages.consents import consents_of, set_consents, suppress, suppressions, unsuppress
from regulars.engagement.messages.links import Links, count_hit
from regulars.engagement.messages.liquid import variables
from regulars.engagement.messages.markup import Unfit
from regulars.engagement.messages.model import CHANNELS, STATES, NoSender, Origin, hash_of, message_rules, origins
from regulars.engagement.messages.owners import caused_by, forget, messages_by_id, messages_of, move
from regulars.engagement.messages.previewing import preview
from regulars.engagement.messages.rendering import line_of
from regulars.engagement.messages.sending import (
    Author,
    agree,
    content_of,
    find_message,
    send,
    send_for_triggers,
    send_one,
    under_way,
    unready,
)
from regulars.engagement.messages.templates import (
    change_template,
    checked,
    create_template,
    draft,
    find_template,
    list_templates,
    remove_template,
    templates_by_id,
    versions_of,
)
