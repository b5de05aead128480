"""A rule as a sentence:
`When coins are rewarded and the amount is at least 100, send walletreward_create to Omnisend`."""

from regulars import conditions
from regulars.conditions import Part
from regulars.dispatch.model import Rule
from regulars.dispatch.terms import Terms
from regulars.events import TOPICS, label
from regulars.kit import Invalid, counted


def rule_sentence(rule: Rule) -> str:
    """Without a full stop."""
    return "".join(part.text for part in rule_sentence_parts(rule))


def rule_sentence_parts(rule: Rule) -> list[Part]:
    """The same in pieces, those to emphasise marked strong."""
    happening = TOPICS[rule.topic].happening if rule.topic in TOPICS else f"“{label(rule.topic)}” happens"
    parts = [Part("When "), Part(happening, strong=True)]
    terms = Terms()
    try:
        terms = rule.terms()
    except Invalid as no:
        if rule.topic in TOPICS:
            parts.append(Part(f" and a restriction holds that can't be read any more ({no.message})"))
    if terms.condition is not None:
        parts += [Part(" and "), *conditions.sentence_parts(terms.condition, TOPICS[rule.topic].restrictions)]
    to = rule.integration_name or "an integration that is gone"
    parts += [Part(", send "), Part(rule.event_name, strong=True), Part(" to "), Part(to, strong=True)]
    if terms.sample_percent < 100:
        parts += [Part(" for "), Part(f"{terms.sample_percent}% of customers", strong=True)]
    if terms.schedule is not None:
        parts += [Part(", only "), Part(terms.schedule.in_words(), strong=True)]
    changed = counted(len(terms.mapping), "properties") if len(terms.mapping) != 1 else "1 property"
    return [*parts, Part(", with "), Part(f"{changed} changed", strong=True)] if terms.mapping else parts
