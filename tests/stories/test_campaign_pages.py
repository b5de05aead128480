"""Campaigns as a shop's people make them, without JavaScript: put together, looked at, launched, followed, read."""

from datetime import timedelta

from regulars.kit import HandClock
from tests.doors import ASHA
from tests.stories.browsing import form_of, person, signed_in
from tests.stories.test_campaigns import Office, office
from tests.stories.test_messages_sent import BO

__all__ = ["office"]


async def test_a_campaign_is_put_together_launched_and_read(office: Office, clock: HandClock) -> None:
    shop = office.shop
    owner = await signed_in(shop, await person(shop, "owner"))
    assert "No campaigns yet" in (await owner.get("/campaigns")).text
    bo = await office.segment("Only Bo", {"property": "customer_email", "operator": "is", "value": BO["email"]})
    gift = await shop.trigger("A gift", coins=(25, 25))
    await office.work()
    blank = (await owner.get(f"/campaigns/new?segment_id={bo}")).text
    form = form_of(blank, "/campaigns/new")
    assert form["segment_id"] == bo
    counted = await owner.post("/campaigns/count", segment_id=bo, minus_segment_id="")
    assert ">1 customer<" in counted.text
    said = {"name": "Spring", "template_id": office.template, "when": "at", "starts_at": "nonsense"}
    wrong = await owner.post("/campaigns/new", **form | said)
    assert wrong.status_code == 422
    assert "a day and a time" in wrong.text
    assert 'value="nonsense"' in wrong.text
    starts = f"{clock.now() + timedelta(hours=2):%Y-%m-%dT%H:%M}"
    two = await owner.post(
        "/campaigns/new", **form | said | {"starts_at": starts, "other_template_id": office.template}
    )
    assert "two different templates" in two.text
    more = {
        "starts_at": starts,
        "minus_segment_id": "",
        "segment_id": "",
        "trigger_id": str(gift.id),
        "per_minute": "1",
    }
    saved = await owner.post("/campaigns/new", **form | said | more)
    assert saved.status_code == 303, saved.text
    here = saved.headers["location"]
    page = (await owner.get(here)).text
    assert "“Hello” to everybody" in page
    assert "at most 1 a minute, with what “A gift” gives" in page
    assert ">2 customers<" in page
    kept = form_of(page, here)
    assert (kept["when"], kept["starts_at"], kept["trigger_id"]) == ("at", starts, str(gift.id))
    changed = await owner.post(here, **kept | {"name": "Spring sale", "trigger_id": ""})
    assert changed.status_code == 303, changed.text
    asked = (await owner.get(f"{here}/launch")).text
    assert "Launch “Spring sale”?" in asked
    assert "2 customers today" in asked
    assert (await owner.post(f"{here}/launch")).status_code == 303
    page = (await owner.get(here)).text
    assert "Scheduled" in page
    assert f'action="{here}"' not in page, "what is launched is not changed"
    clock.advance(hours=2)
    await office.work()
    assert "<progress" in (await owner.get(here)).text
    await owner.post(f"{here}/pause")
    page = (await owner.get(here)).text
    assert "Paused by" in page
    await owner.post(f"{here}/resume")
    for _ in range(3):
        clock.advance(minutes=1)
        await office.work()
    page = (await owner.get(here)).text
    assert "2 of 2 recipients done" in page
    assert "Over time" in page
    people = (await owner.get(f"/campaigns/recipients?campaign_id={here.rpartition('/')[2]}&state=sent")).text
    assert ASHA["name"] in people
    file = (await owner.get(f"/campaigns/recipients.csv?campaign_id={here.rpartition('/')[2]}")).text
    assert file.count("Sent") >= 3
    again = await owner.post(f"{here}/copy")
    copy = again.headers["location"]
    assert "Draft" in (await owner.get(copy)).text
    assert (await owner.post(f"{copy}/delete")).headers["location"] == "/campaigns"
    assert "Finished" in (await owner.get("/campaigns")).text


async def test_a_campaign_that_is_cancelled_says_who_got_nothing(office: Office, clock: HandClock) -> None:
    owner = await signed_in(office.shop, await person(office.shop, "owner"))
    one = await office.campaign(starts_at=(clock.now() + timedelta(hours=1)).isoformat(), per_minute=1)
    clock.advance(hours=1)
    await office.work()
    assert "Whoever has not got it gets nothing" in (await owner.get(f"/campaigns/{one['id']}/cancel")).text
    await owner.post(f"/campaigns/{one['id']}/cancel")
    page = (await owner.get(f"/campaigns/{one['id']}")).text
    assert "The campaign was cancelled" in page
    reader = await signed_in(office.shop, await person(office.shop, "reader", "reader"))
    assert "/copy" not in (await reader.get(f"/campaigns/{one['id']}")).text
    assert (await reader.post(f"/campaigns/{one['id']}/copy")).status_code == 403
