"""The kinds of senders. A new one is a file and a line here."""

from collections.abc import Callable, Mapping
from typing import Any

from regulars.channels import email
from regulars.channels.carrying import Manifest, MessageCarrier
from regulars.kit.fields import Known

CARRIERS: dict[str, Callable[[Mapping[str, Any], Mapping[str, str], str], MessageCarrier]] = {"smtp": email.MailCarrier}
SENDERS: Known[Manifest] = Known(
    "tool", "What is to be sent from there waits", {one.tool: one for one in (email.MANIFEST,)}
)
