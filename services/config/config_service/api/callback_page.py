"""The page that a browser sees when it comes back from a provider: words, and nothing that runs."""

from collections.abc import Awaitable
from html import escape

from fastapi import Response

from config_service.resources.connecting import Connected
from postbus.errors import TemporaryError
from postbus.runtime.problems import Problem

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title} - Postbus</title>
<h1>{title}</h1>
{paragraphs}
"""
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",  # the address of the page has the code in it
    "Cache-Control": "no-store",
}


async def page_of(coming_back: Awaitable[Connected]) -> Response:
    """What came of it, in words."""
    try:
        return connected_page(await coming_back)
    except Problem as problem:
        return problem_page(problem)
    except TemporaryError:
        away = "Something that Postbus depends on is away. Start the sign-in again later."
        return problem_page(Problem(503, "unavailable", detail=away))


def connected_page(connected: Connected) -> Response:
    """It worked."""
    address = connected.view.inbound.address or ""
    what = "is connected" if connected.is_new else "is signed in again"
    return _page(
        200, f"{address} {what}", "Its mail becomes tickets now. You may close this window."
    )


def problem_page(problem: Problem) -> Response:
    """It did not, and why."""
    advice = str(problem.members.get("advice", ""))
    return _page(problem.status, "The mailbox is not connected", problem.detail, advice)


def _page(status: int, title: str, *texts: str) -> Response:
    paragraphs = "\n".join(f"<p>{escape(text)}</p>" for text in texts if text)
    return Response(
        _PAGE.format(title=escape(title), paragraphs=paragraphs),
        status_code=status,
        headers=_HEADERS,
        media_type="text/html",
    )
