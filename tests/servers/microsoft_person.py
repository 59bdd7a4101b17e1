"""A person at the pages of Microsoft's identity platform, where no browser is needed."""

import re
import ssl
from html import unescape
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

import httpx

from servers.microsoft_identity import CERTIFICATE

_FORM = re.compile(r'<form method="post" action="([^"]+)">(.*?)</form>', re.DOTALL)
_HIDDEN = re.compile(r'name="ctx" value="([^"]+)"')
_SORRY = re.compile(r"trouble signing you in.*?<p>(.*?)</p>", re.DOTALL)


class TurnedAway(Exception):
    """Microsoft said no, on a page of its own."""


class Person:
    """Fills in forms."""

    def __init__(self) -> None:
        context = ssl.create_default_context(cafile=CERTIFICATE)
        self._client = httpx.Client(verify=context, timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def sign_in(self, authorize_url: str, account: str, *, consent: str = "accept") -> str:
        """The address that Microsoft sends the browser to in the end; TurnedAway."""
        page = self._client.get(authorize_url)
        return self._through(page, account, consent).headers["location"]

    def enter_code(self, uri: str, code: str, account: str, *, consent: str = "accept") -> None:
        """The code of a device, then the same; TurnedAway."""
        page = self._client.get(uri)
        page = self._post(page, {"user_code": code})
        self._through(page, account, consent)

    def _through(self, page: httpx.Response, account: str, consent: str) -> httpx.Response:
        page = self._post(page, {"account": account})
        if 'name="consent"' in page.text:
            page = self._post(page, {"consent": consent})
        return page

    def _post(self, page: httpx.Response, fields: dict[str, str]) -> httpx.Response:
        said = _SORRY.search(page.text)
        if said:
            raise TurnedAway(unescape(said[1]))
        form = _FORM.search(page.text)
        assert form is not None, page.text
        hidden = _HIDDEN.search(form[2])
        known = {"ctx": hidden[1]} if hidden else {}
        answer = self._client.post(urljoin(str(page.url), form[1]), data={**known, **fields})
        said = _SORRY.search(answer.text)
        if said:
            raise TurnedAway(unescape(said[1]))
        return answer
