"""What connecting a tool and connecting a source share: a form that is drawn from a manifest."""

from typing import Any

from regulars.dashboard.desk import Form
from regulars.dashboard.sheets import MAYBE, Fields, Shown
from regulars.kit.fields import SAME_FOR_ALL, Manifest

# What few shops ever touch, kept behind "More settings".
_RARE = frozenset(("api_version", "retry_unclear", "rate_per_minute", "host", "style", "signed", "api_url"))
_RARE |= {"profile_prefix", "profiles"}


def shown(manifest: Manifest, thing: Any = None, **more: Any) -> Shown:
    """To be connected, or a thing that is."""
    values = {"name": thing.name, **thing.settings} if thing else {one.name: one.default for one in manifest.fields}
    title = thing.name if thing else manifest.label
    everyones = {one.name for one in manifest.fields if one.name == "host" and one.help != SAME_FOR_ALL}
    return Shown(values, thing, title, more={"manifest": manifest, "rare": _RARE - everyones, **more})


def fields(shown: Shown) -> Fields:
    return dict.fromkeys(["name", *(one.name for one in shown.more["manifest"].fields)], MAYBE)


def given(form: Form, shown: Shown) -> dict[str, Any]:
    """As it was typed: the manifest itself says what fits."""
    names = [one.name for one in shown.more["manifest"].fields if one.name in form.values]
    return {"given": {name: form.text(name) for name in names}, "name": form.text("name")}
