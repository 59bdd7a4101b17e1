"""The frame of Postbus in a real browser: bright, dark, on a phone."""

import base64
import io
from pathlib import Path

import pytest
from PIL import Image
from playwright.async_api import Page

from dispatch.domain.words import words_of
from postbus.appearance import Look
from postbus.contracts.appearance import Appearance, Logo
from postbus.contracts.configuration import OutboundChannel
from postbus.contracts.mail import Address
from postbus.contracts.sending import Quote
from send_builders import send_requested
from servers.browser import a_browser

RELAY = OutboundChannel(id="relay", name="Relay", kind="relay")
LOGO = Logo(sha256="a" * 64, size_bytes=4, content_type="image/png", width=150, height=30)
LOOKS = {
    "shipped": Appearance(id="support"),
    "own": Appearance(
        id="support", accent="#0f766e", logo=LOGO, signature="Kind regards,\n{{ queue.name }}"
    ),
}


TEXT = "Dear Anna,\n\nplease use the stairs.\nHelp is near.\n" * 2
QUOTED = "My printer is on fire.\n" * 3


def page_of(
    appearance: Appearance, *, text: str = TEXT, html: str | None = None, quoted: str = QUOTED
) -> str:
    """The HTML of an answer, with its pictures in the page as a mail program puts them there."""
    request = send_requested()
    anna = Address(name="Anna Jansen", address="anna@example.com")
    quote = Quote(author=anna, written_at=request.requested_at, text=quoted)
    request = request.model_copy(update={"quote": quote, "text": text, "html": html})
    made = io.BytesIO()
    Image.new("RGB", (300, 60), "#0f766e").save(made, "PNG")
    words = words_of(
        request, RELAY, content=None, now=request.requested_at, logo=made.getvalue(),
        look=Look(appearance=appearance, queue_name="Support", queue_colour="#3b82f6"),
    )  # fmt: skip
    data = base64.b64encode(made.getvalue()).decode()
    return words.html.replace("cid:logo@postbus", f"data:image/png;base64,{data}")


async def style(page: Page, selector: str, name: str) -> str:
    found = await page.eval_on_selector(
        selector, "(node, name) => getComputedStyle(node)[name]", name
    )
    return str(found)


@pytest.mark.parametrize("look", LOOKS)
async def test_a_mail_is_seen_as_it_was_meant(look: str, tmp_path: Path) -> None:
    colour = {"shipped": "rgb(59, 130, 246)", "own": "rgb(15, 118, 110)"}[look]
    async with a_browser() as page:
        await page.set_viewport_size({"width": 800, "height": 600})
        await page.set_content(page_of(LOOKS[look]))
        assert await style(page, ".pb-mail", "borderTopColor") == colour
        assert await style(page, ".pb-mail", "color") == "rgb(31, 41, 55)"
        await page.screenshot(path=tmp_path / f"{look}-bright.png")
        if look == "own":
            shown = await page.eval_on_selector("img", "i => [i.naturalWidth, i.width, i.height]")
            assert shown == [300, 150, 30]
        else:
            assert await page.locator(".pb-head").inner_text() == "Support"
        await page.emulate_media(color_scheme="dark")
        assert await style(page, ".pb-mail", "color") == "rgb(229, 231, 235)"
        await page.screenshot(path=tmp_path / f"{look}-dark.png")


WIDE = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='2000' height='50'/>"


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"text": "See https://example.com/" + "a" * 300},
        {"quoted": "See https://example.com/" + "a" * 300},
        {"html": f'<p>See <img src="{WIDE}"></p>'},
        {"html": "<pre>" + "word " * 60 + "</pre>"},
    ],
    ids=["words", "link", "quoted-link", "picture", "pre"],
)
async def test_a_mail_fits_a_phone(tmp_path: Path, said: dict[str, str]) -> None:
    """What is wider than the window makes all its letters tiny."""
    async with a_browser() as page:
        await page.set_viewport_size({"width": 320, "height": 640})
        await page.set_content(page_of(LOOKS["own"], **said))
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320
        await page.screenshot(path=tmp_path / "phone.png")


async def test_words_run_from_right_to_left_where_their_language_does() -> None:
    """Also in a quote, whose first line is in another one."""
    arabic = "\u0645\u0631\u062d\u0628\u0627, see a.pdf."
    signed = Appearance(id="support", signature=arabic)
    async with a_browser() as page:
        await page.set_content(page_of(signed, text=arabic, quoted=arabic))
        for selector in (".pb-said", ".pb-signature", "blockquote"):
            assert await style(page, selector, "direction") == "rtl"
        await page.set_content(page_of(signed))
        for selector in (".pb-said", "blockquote"):
            assert await style(page, selector, "direction") == "ltr"
