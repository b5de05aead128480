"""What mails of a template have in common is worked out once, and each of them says what it would have said alone."""

import re
from types import SimpleNamespace
from typing import Any

import pytest

from regulars.engagement.messages import markup
from regulars.engagement.messages.model import Content
from regulars.engagement.messages.rendering import render

WAY = "https://regulars.example/u/one-of-a-kind"
BODIES = (
    "<h1>Hello {{ user_name | default: 'there' }}</h1><p>{{ user_name }}, {{ n }} coins</p>",
    "<a href='https://shop.example/?who={{ user_name }}' title=\"{{ n }}\">{{ user_name | upcase }}</a>",
    "<style>p { color: {{ user_name }} }</style><p>{{ n }}</p><style>b { top: 1px }</style><b>{{ user_name }}</b>",
    "{% capture all %}<i>{{ n }}</i>{% endcapture %}{{ all }}{{ all | size }}<{{ user_name }}>&{{ user_name }};",
    "{% for one in (1..40) %}{{ one }} of {{ n }}, {% endfor %}<!-- {{ user_name }} --> <script>{{ n }}</script>",
    "{{ user_name }}{% echo user_name %}<p title='>{{ user_name }}'>{{ customer.preferences_link }}</p>",
    "<a href='{{ customer.preferences_link }}?lang=en'>{{ n }}</a>{{ customer.preferences_link | url_encode }}",
    '&lt;a href="https://x.example&gt; <p>{{ user_name }}</p>',
)
NAMES = ("Asha Rao", "", " ", "<b>Bo</b> \"'&amp;", "javascript:alert(1)", "\x1b \n two  blanks", "आशा", "b")


def said(name: str, **content: Any) -> dict[str, Any]:
    known = {"user_name": name, "n": len(name), "customer": {"preferences_link": WAY}}
    shop: Any = SimpleNamespace(settings={})
    made, _ = render(
        shop, "email", Content(subject="Hi", **content), known, link=lambda url: f"https://t.example/{url}"
    )
    return made


@pytest.mark.parametrize("body_type", ["html", "text"])
@pytest.mark.parametrize("body", BODIES)
def test_a_mail_says_the_same_as_if_it_were_the_only_one(
    body: str, body_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = [said(name, body=body, body_type=body_type) for name in NAMES]
    monkeypatch.setattr(markup, "_PLAIN", re.compile("(?!)"))
    assert together == [said(name, body=body, body_type=body_type) for name in NAMES]
    for one in together:
        assert "<b>Bo</b>" not in one["html"]
        assert "preferences.invalid" not in f"{one}"
        assert WAY in one["text"]


def test_a_body_is_made_ready_once_for_all_to_whom_it_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    markup._ready.cache_clear()
    mails = [said(f"Customer {n}", body=BODIES[0])["text"] for n in range(50)]
    assert len(set(mails)) == 50
    assert "Customer 49, 11 coins" in mails[49]
    assert markup._ready.cache_info().misses == 1


@pytest.mark.parametrize(
    "body",
    [
        "<style>" * 6_000,
        "<style" * 6_000,
        f"<style>{'*{top:0}' * 6_000}</style>{'<p>x</p>' * 500}",
        f"<style>b {{{'top:0;' * 6_000}}}</style>{'<b>x</b>' * 500}",
        f"<style>{'*:not(q *){top:0}' * 500}</style>{'<b>' * 900}",
        f"<style>{'*{top:0}' * 500}</style>{''.join(f'<p><b id={n}>' for n in range(300))}",
        "".join(f"<p><b id={n}>" for n in range(999)),
        "".join(f'<p><b title={n}"c d=">x</b>">' for n in range(800)),
        "<b>x</b>" * 5_001,
    ],
)
def test_a_body_that_would_be_much_work_is_refused(body: str) -> None:
    with pytest.raises(markup.Unfit):
        said("Asha", body=body)


def test_a_newsletter_of_many_products_is_ready() -> None:
    product = """<mj-section><mj-column><mj-image src="https://x.example/a.png" /><mj-text>A <b>cup</b></mj-text>
        <mj-button href="https://x.example/?a=1">Buy</mj-button></mj-column></mj-section>"""
    letter = f"<mjml><mj-head><mj-style>b {{ top: 1px }}</mj-style></mj-head><mj-body>{product * 70}</mj-body></mjml>"
    assert said("Asha", body=letter, body_type="mjml")["html"].count('<b style="top: 1px') == 70


def test_a_style_that_nothing_closes_is_none_and_hides_no_other() -> None:
    made = said(
        "Asha", body="<style>b{top:1px}</style><p>One</p><STYLE media=all>i{top:2px}</STYLE ><i>Two</i><style>Rest"
    )
    assert ('<i style="top: 2px' in made["html"], "One" in made["text"], "top:" in made["text"]) == (True, True, False)
