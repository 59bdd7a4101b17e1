"""httpx as msal (1.39) wants an HTTP client to be."""

from collections.abc import Mapping
from typing import Any

import httpx


class MsalHttp(httpx.Client):
    """A client whose forms may have bytes in them.

    msal gives the assertion that a certificate signed as bytes; httpx (0.28) would send their repr,
    `b'eyJ…'`, and Microsoft would refuse it.
    """

    def post(  # type: ignore[override] # msal passes these three, by name
        self,
        url: str,
        *,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        **_: Any,
    ) -> httpx.Response:
        """The answer to a form."""
        text = {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in (data or {}).items()
        }
        return super().post(url, data=text, headers=headers, params=params)
