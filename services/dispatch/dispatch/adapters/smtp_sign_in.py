"""Signs in to an SMTP server: by password, or by an access token of Google or Microsoft."""

from dataclasses import dataclass

import aiosmtplib
from aiosmtplib import SMTPAuthenticationError
from pydantic import SecretStr

from dispatch.adapters.smtp_errors import sign_in_refusal, smtp_errors
from dispatch.adapters.threads import Threads
from postbus.connecting import (
    AccessTokens,
    Credential,
    MicrosoftApp,
    MicrosoftSignIn,
    explain,
    read_credential,
)
from postbus.contracts.configuration import SmtpAuth
from postbus.errors import CredentialsRejected
from postbus.microsoft import MicrosoftTokens, Resource


@dataclass(frozen=True)
class SignIn:
    """Knows the ways to sign in; tokens of Google are got in a thread."""

    tokens: AccessTokens
    microsoft: MicrosoftTokens
    threads: Threads

    async def __call__(
        self,
        smtp: aiosmtplib.SMTP,
        host: str,
        auth: SmtpAuth,
        *,
        username: str | None,
        secret: SecretStr | None,
    ) -> None:
        """Sign in, or do nothing for `none`.

        Raises:
            CredentialsRejected: people must act; reason and advice say how.
            MailHostUnavailable: the server, Google or Microsoft cannot sign anybody in now.
        """
        if auth is SmtpAuth.NONE:
            return
        if not username or secret is None:
            raise CredentialsRejected(
                "user name or secret is missing",
                reason="needs-sign-in",
                advice="Give the user name and the password, or sign in with Google or Microsoft.",
            )
        _must_be_offered(smtp, host, auth)
        if auth is SmtpAuth.XOAUTH2:
            await self._with_token(smtp, host, username, read_credential(secret))
        else:
            await _with_password(smtp, host, username, secret)

    async def _with_token(
        self, smtp: aiosmtplib.SMTP, host: str, username: str, credential: Credential
    ) -> None:
        """A token may end before its time, so a refused one is replaced once."""
        token = await self._token(credential)
        first = await _refused_token(smtp, host, username, token)
        if first is None:
            return
        error = first
        if 500 <= first.code < 600:
            # Another connection may have replaced it in the meantime.
            known = await self._token(credential)
            if known == token:
                known = await self._token(credential, anew=True)
            second = await _refused_token(smtp, host, username, known)
            if second is None:
                return
            error = second
        raise sign_in_refusal(error.code, error.message, with_token=True) from error

    async def _token(self, credential: Credential, *, anew: bool = False) -> SecretStr:
        if isinstance(credential, (MicrosoftSignIn, MicrosoftApp)):
            return await self.microsoft.token(credential, Resource.SMTP, anew=anew)
        return await self.threads.run(lambda: self.tokens.token(credential, anew=anew))


async def _refused_token(
    smtp: aiosmtplib.SMTP, host: str, username: str, token: SecretStr
) -> SMTPAuthenticationError | None:
    async with smtp_errors(host):
        try:
            await smtp.auth_xoauth2(username, token.get_secret_value())
        except SMTPAuthenticationError as error:
            return error
    return None


async def _with_password(
    smtp: aiosmtplib.SMTP, host: str, username: str, secret: SecretStr
) -> None:
    """By the ways that both know, one after the other: some servers offer one they do not have.

    Not by aiosmtplib's `login` (5.1): where the server hangs up, it hides why.
    """
    ways = {"cram-md5": smtp.auth_crammd5, "plain": smtp.auth_plain, "login": smtp.auth_login}
    refused: SMTPAuthenticationError | None = None
    for name in smtp.supported_auth_methods:
        async with smtp_errors(host):
            try:
                await ways[name](username, secret.get_secret_value())
            except SMTPAuthenticationError as error:
                refused = error
            else:
                return
        if refused is not None and not (500 <= refused.code < 600 and smtp.is_connected):
            break
    if refused is not None:
        raise sign_in_refusal(refused.code, refused.message, with_token=False) from refused


def _must_be_offered(smtp: aiosmtplib.SMTP, host: str, auth: SmtpAuth) -> None:
    """Servers offer no sign-in where it would not be protected (RFC 4954 §4)."""
    if auth is SmtpAuth.XOAUTH2:
        offered = "xoauth2" in smtp.server_auth_methods
    else:
        offered = bool(smtp.supported_auth_methods)
    if offered:
        return
    if smtp.get_transport_info("sslcontext") is None:
        explained = explain("encryption required")
        raise CredentialsRejected(
            f"{host}: {explained.what}", reason=explained.reason, advice=explained.advice
        )
    ways = ", ".join(smtp.server_auth_methods) or "no sign-in"
    raise CredentialsRejected(
        f"{host} does not offer to sign in that way, but {ways}",
        reason="no-sign-in",
        advice="Check the server's name and port (465 or 587 for sending), and the way to sign in.",
    )
