"""Automations: what is done for whom something happens to, step by step, while nobody looks.

Promises: whoever an automation is for enters it, and nobody twice at once; each step of a run is done once, whatever
falls over, since what it does and where the run goes on are one transaction. A run goes by the version it entered by,
until somebody moves it; what is changed changes a draft, and neither Publish nor Launch is done by the other. Nobody is
skipped because a step can't be done: they wait there, and the automation says so. What an automation does may start it
again, but not without end: that chain comes to rest, and is told of.

    draft --Publish--> version --Launch--> running <--> paused
    run:  enters --> active <--> waiting --> done | left | goal | stopped

Reads the log together with segments, after them. Does not know how a message is written or leaves, nor what a reward
comes to.

Lock order: the shop's turn, runs, then what steps do.
"""

from regulars.engagement.automations.authoring import (
    People,
    change_draft,
    create_automation,
    launch,
    list_automations,
    pause,
    publish,
    remove,
    rename,
    undo,
    versions_of,
)
from regulars.engagement.automations.beginning import begin
from regulars.engagement.automations.checking import findings
from regulars.engagement.automations.finding import (
    Passed,
    RunOf,
    StepCount,
    all_stuck,
    counts,
    people_at,
    people_inside,
    runs,
    runs_of,
    started_by,
    stuck,
)
from regulars.engagement.automations.following import OfMessages, follow, forget, moved
from regulars.engagement.automations.gallery import Entry, Overview, create_from, gallery, overview
from regulars.engagement.automations.model import Automation, Finding, Run, Version
from regulars.engagement.automations.reading import checked, language_of
from regulars.engagement.automations.rehearsing import DryRun, Tried, Would, dry_run, try_with
from regulars.engagement.automations.running import wake
from regulars.engagement.automations.store import BEGIN, WAKE
from regulars.engagement.automations.store import get as get_automation
