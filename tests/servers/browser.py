"""Chromium, as Debian has it, for sign-ins that a person makes in a browser."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from playwright.async_api import Page, async_playwright

from servers.debian import needed

_CHROMIUM: Final = "/usr/bin/chromium"
_MILLISECONDS: Final = 15_000


@asynccontextmanager
async def a_browser() -> AsyncIterator[Page]:
    """A window of a browser of its own; the test is skipped, in words, without one.

    It takes the certificate of stand-ins, which nobody vouches for: whether ours are checked is
    tested where our own programs speak.
    """
    needed("chromium")
    # Chromium's sandbox does not run as root.
    args = ["--no-sandbox"] if os.getuid() == 0 else []
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=_CHROMIUM, args=args)
        try:
            page = await chromium.new_page(ignore_https_errors=True)
            page.set_default_timeout(_MILLISECONDS)
            yield page
        finally:
            await chromium.close()
