"""The pages of the stand-in of Microsoft's identity platform: real forms, for a real browser."""

from collections.abc import Iterable
from html import escape

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<h1>{title}</h1>
{body}
"""


def page(title: str, body: str) -> str:
    """A page; `body` is HTML."""
    return _PAGE.format(title=escape(title), body=body)


def pick_account(action: str, request_id: str, accounts: Iterable[str], hint: str) -> str:
    """Who signs in: one of the known accounts, or one that is typed in."""
    buttons = "".join(
        f'<button name="account" value="{escape(one)}">{escape(one)}</button>' for one in accounts
    )
    return page(
        "Pick an account",
        f'<form method="post" action="{escape(action)}">{_hidden(request_id)}{buttons}</form>'
        f'<form method="post" action="{escape(action)}">{_hidden(request_id)}'
        f'<input type="email" name="account" value="{escape(hint)}" required>'
        '<button id="next">Next</button></form>',
    )


def ask_consent(action: str, request_id: str, app: str, scopes: Iterable[str]) -> str:
    """Whether the app may."""
    wanted = "".join(f"<li>{escape(scope)}</li>" for scope in scopes)
    return page(
        "Permissions requested",
        f"<p>{escape(app)} would like to:</p><ul>{wanted}</ul>"
        f'<form method="post" action="{escape(action)}">{_hidden(request_id)}'
        '<button name="consent" value="accept">Accept</button>'
        '<button name="consent" value="cancel">Cancel</button></form>',
    )


def enter_code(action: str, wrong: str = "") -> str:
    """Where the code of a device is typed in."""
    said = f'<p role="alert">{escape(wrong)}</p>' if wrong else ""
    return page(
        "Enter code to allow access",
        f'{said}<form method="post" action="{escape(action)}">'
        '<input name="user_code" required><button>Next</button></form>',
    )


def sorry(says: str) -> str:
    """Microsoft does not let the person in, and says so here; the browser goes nowhere."""
    return page("Sorry, but we're having trouble signing you in.", f"<p>{escape(says)}</p>")


def _hidden(request_id: str) -> str:
    return f'<input type="hidden" name="ctx" value="{escape(request_id)}">'
