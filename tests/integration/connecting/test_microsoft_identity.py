"""The stand-in of Microsoft's identity platform, as msal itself finds it."""

import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msal
import pytest

from postbus.connecting import Reach, TlsContexts
from postbus.connecting.credentials import MicrosoftApp, MicrosoftClient
from postbus.microsoft.asking import IdentityPlatform, Resource
from postbus.microsoft.msal_http import MsalHttp
from servers.microsoft_directory import AppRegistration
from servers.microsoft_identity import MicrosoftIdentity
from servers.microsoft_keys import certificate
from servers.microsoft_person import Person, TurnedAway

pytestmark = pytest.mark.filterwarnings("ignore:response_mode='form_post'")
XYZ, OTHER = "11111111-2222-3333-4444-555555555555", "99999999-2222-3333-4444-555555555555"
APP, SECRET, REDIRECT = "app-of-postbus", "s3cret~value", "http://localhost:8000/callback"
GRAPH = [f"https://graph.microsoft.com/{name}" for name in ("Mail.ReadWrite", "Mail.Send")]
SMTP = ["https://outlook.office.com/SMTP.Send"]
DEFAULT = ["https://graph.microsoft.com/.default"]
BOB = "bob@xyz.com"


@pytest.fixture
def identity() -> Iterator[MicrosoftIdentity]:
    server = MicrosoftIdentity().start()
    server.directory.add_tenant(XYZ, "xyz.com")
    server.directory.add_tenant(OTHER, "other.org")
    server.directory.add_user(BOB, XYZ)
    server.directory.add_user("eve@other.org", OTHER)
    server.directory.add_user("someone@outlook.com")
    server.directory.add_app(
        AppRegistration(
            APP, XYZ, multi_tenant=True, redirect_uris={REDIRECT}, secrets={SECRET: None}
        )
    )
    yield server
    server.stop()


@pytest.fixture
def http(identity: MicrosoftIdentity) -> Iterator[httpx.Client]:
    context = ssl.create_default_context(cafile=identity.ca_file)
    with MsalHttp(verify=context, timeout=10) as client:
        yield client


def client_of(
    identity: MicrosoftIdentity, http: httpx.Client, tenant: str = "organizations", **more: Any
) -> Any:
    kind = msal.ConfidentialClientApplication
    if "client_credential" not in more:
        more["client_credential"] = SECRET
    if more["client_credential"] is None:
        kind, _ = msal.PublicClientApplication, more.pop("client_credential")
    return kind(
        APP,
        authority=f"{identity.authority}/{tenant}",
        instance_discovery=False,
        http_client=http,
        **more,
    )


def sign_in(
    app: Any, account: str = BOB, *, scopes: list[str] | None = None, consent: str = "accept"
) -> dict[str, Any]:
    flow = app.initiate_auth_code_flow(
        GRAPH + SMTP, redirect_uri=REDIRECT, prompt="select_account", login_hint=account
    )
    with Person() as person:
        end = person.sign_in(flow["auth_uri"], account, consent=consent)
    said = {name: values[0] for name, values in parse_qs(urlsplit(end).query).items()}
    answer: dict[str, Any] = app.acquire_token_by_auth_code_flow(flow, said, scopes=scopes or GRAPH)
    return answer


def refreshed(app: Any, scopes: list[str] | None = None) -> dict[str, Any]:
    account = app.get_accounts()[0]
    answer: dict[str, Any] = app.acquire_token_silent_with_error(
        scopes or GRAPH, account, force_refresh=True
    )
    return answer


def test_a_person_signs_in_and_its_tokens_say_who(
    identity: MicrosoftIdentity, http: httpx.Client
) -> None:
    answer = sign_in(client_of(identity, http))
    claims = identity.claims_of(answer["access_token"])
    assert claims is not None
    assert (claims["aud"], claims["tid"]) == ("https://graph.microsoft.com", XYZ)
    assert (claims["upn"], claims["appid"]) == (BOB, APP)
    assert set(claims["scp"].split()) == {"Mail.ReadWrite", "Mail.Send"}
    assert answer["id_token_claims"]["preferred_username"] == BOB
    assert answer["id_token_claims"]["tid"] == XYZ
    assert identity.claims_of(answer["id_token"][:-4] + "AAAA") is None


def test_one_refresh_token_serves_both_resources_but_no_token_does(
    identity: MicrosoftIdentity, http: httpx.Client
) -> None:
    app = client_of(identity, http)
    sign_in(app)
    claims = identity.claims_of(refreshed(app, SMTP)["access_token"])
    assert claims is not None
    assert (claims["aud"], claims["scp"]) == ("https://outlook.office.com", "SMTP.Send")
    answer = refreshed(app, GRAPH + SMTP)
    assert answer["error_codes"] == [28000]


def test_the_verifier_is_checked_and_a_code_is_good_once(
    identity: MicrosoftIdentity, http: httpx.Client
) -> None:
    app = client_of(identity, http)
    flow = app.initiate_auth_code_flow(GRAPH, redirect_uri=REDIRECT)
    with Person() as person:
        end = person.sign_in(flow["auth_uri"], BOB)
    said = {name: values[0] for name, values in parse_qs(urlsplit(end).query).items()}
    other = {**flow, "code_verifier": "x" * 43}
    assert app.acquire_token_by_auth_code_flow(other, said)["error_codes"] == [501481]
    assert app.acquire_token_by_auth_code_flow(flow, said)["error_codes"] == [70000]


def test_refresh_tokens_rotate_and_the_old_one_is_good_for_a_while(
    identity: MicrosoftIdentity, http: httpx.Client
) -> None:
    app = client_of(identity, http)
    sign_in(app)
    first = next(iter(identity.tokens.refresh))
    refreshed(app)
    assert len(identity.tokens.refresh) == 2
    old = app.acquire_token_by_refresh_token(first, GRAPH)
    assert "access_token" in old
    identity.tokens.clock = lambda: time.time() + identity.tokens.replaced_good_seconds + 1
    assert app.acquire_token_by_refresh_token(first, GRAPH)["error_codes"] == [70000]


def test_how_many_refresh_at_once_is_counted(
    identity: MicrosoftIdentity, http: httpx.Client
) -> None:
    app = client_of(identity, http)
    sign_in(app)
    first = next(iter(identity.tokens.refresh))
    identity.delay_seconds = 0.3
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: app.acquire_token_by_refresh_token(first, GRAPH), range(2)))
    assert identity.grants.most_refreshes_at_once[first] == 2
    assert identity.grants.refreshes[BOB] == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [("revoked", 50173), ("idle", 700082), ("mfa", 50076), ("consent", 65001),
     ("wrong-secret", 7000215), ("expired-secret", 7000222), ("gone", 700016)],
)  # fmt: skip
def test_a_refusal_is_worded_as_microsoft_words_it(
    identity: MicrosoftIdentity, http: httpx.Client, error: str, code: int
) -> None:
    app = client_of(identity, http)
    sign_in(app)
    registered, bob = identity.directory.apps[APP], identity.directory.users[BOB]
    if error == "revoked":
        identity.revoke(BOB)
    elif error == "idle":
        for token in identity.tokens.refresh.values():
            token.expired = True
    elif error == "mfa":
        bob.needs_mfa = True
    elif error == "consent":
        registered.consents.clear()
    elif error == "wrong-secret":
        registered.secrets.clear()
    elif error == "expired-secret":
        registered.secrets[SECRET] = time.time() - 1
    else:
        identity.directory.apps.clear()
    answer = refreshed(app)
    assert answer["error_codes"] == [code]
    assert answer["error_description"].startswith(f"AADSTS{code}: ")


def test_a_revoked_person_has_no_access_token_either(
    identity: MicrosoftIdentity, http: httpx.Client
) -> None:
    token = sign_in(client_of(identity, http))["access_token"]
    assert identity.claims_of(token)
    identity.revoke(BOB)
    assert identity.claims_of(token) is None
    again = sign_in(client_of(identity, http))["access_token"]
    assert identity.claims_of(again)
    identity.tokens.clock = lambda: time.time() + 3601
    assert identity.claims_of(again) is None


def test_whoever_declines_is_sent_back_with_access_denied(
    identity: MicrosoftIdentity, http: httpx.Client
) -> None:
    answer = sign_in(client_of(identity, http), consent="cancel")
    assert answer["error"] == "access_denied"
    assert answer["error_description"].startswith("AADSTS65004")


@pytest.mark.parametrize(
    ("account", "tenant", "multi_tenant", "code"),
    [("someone@outlook.com", "organizations", True, 500200), ("eve@other.org", XYZ, True, 50020),
     ("eve@other.org", "xyz.com", False, 50020), ("nobody@xyz.com", XYZ, True, 50034),
     (BOB, "organizations", False, 50194), (BOB, "common", False, 50194)],
)  # fmt: skip
def test_who_may_not_sign_in_is_told_so_on_microsofts_page(
    identity: MicrosoftIdentity,
    http: httpx.Client,
    account: str,
    tenant: str,
    multi_tenant: bool,  # noqa: FBT001 - a column of the table
    code: int,
) -> None:
    identity.directory.apps[APP].multi_tenant = multi_tenant
    with pytest.raises(TurnedAway, match=f"AADSTS{code}: "):
        sign_in(client_of(identity, http, tenant), account)


def test_a_tenant_that_is_not_there_is_no_authority(
    identity: MicrosoftIdentity, http: httpx.Client
) -> None:
    with pytest.raises(ValueError, match="authority configuration"):
        client_of(identity, http, "nowhere.example")


@pytest.mark.parametrize("consent", ["accept", "cancel"])
def test_a_device_waits_until_the_code_was_entered(
    identity: MicrosoftIdentity, http: httpx.Client, consent: str
) -> None:
    identity.directory.apps[APP].public_client = True
    identity.device_interval_seconds = 1
    app = client_of(identity, http, client_credential=None)
    flow = app.initiate_device_flow(GRAPH)

    def asked_once() -> dict[str, Any]:
        answer: dict[str, Any] = app.acquire_token_by_device_flow(
            flow, exit_condition=lambda _: True
        )
        return answer

    assert asked_once()["error"] == "authorization_pending"
    with Person() as person:
        person.enter_code(flow["verification_uri"], flow["user_code"], BOB, consent=consent)
    answer = asked_once()
    if consent == "accept":
        assert identity.claims_of(answer["access_token"])
    else:
        assert answer["error"] == "authorization_declined"


def test_a_device_code_ends_and_needs_a_public_client(
    identity: MicrosoftIdentity, http: httpx.Client
) -> None:
    app = client_of(identity, http, client_credential=None)
    assert app.initiate_device_flow(GRAPH)["error_codes"] == [7000218]
    identity.directory.apps[APP].public_client = True
    flow = app.initiate_device_flow(GRAPH)
    identity.tokens.clock = lambda: time.time() + 901
    answer = app.acquire_token_by_device_flow(flow, exit_condition=lambda _: True)
    assert answer["error"] == "expired_token"


@pytest.mark.parametrize("by", ["secret", "certificate"])
def test_an_app_signs_in_as_itself(
    identity: MicrosoftIdentity, http: httpx.Client, by: str
) -> None:
    registered = identity.directory.apps[APP]
    registered.roles[XYZ] = {"Mail.ReadWrite", "Mail.Send"}
    credential: Any = SECRET
    if by == "certificate":
        public, private = certificate()
        registered.certificates.append(public)
        credential = {"private_key": private, "public_certificate": public}
    app = client_of(identity, http, XYZ, client_credential=credential)
    answer = app.acquire_token_for_client(DEFAULT)
    claims = identity.claims_of(answer.get("access_token", repr(answer)))
    assert claims is not None
    assert (claims["roles"], claims["idtyp"]) == (["Mail.ReadWrite", "Mail.Send"], "app")
    elsewhere = client_of(identity, http, OTHER, client_credential=credential)
    assert elsewhere.acquire_token_for_client(DEFAULT)["error_codes"] == [700016]


def test_an_assertion_by_another_key_is_refused(
    identity: MicrosoftIdentity, http: httpx.Client
) -> None:
    public, _ = certificate()
    _, another = certificate()
    credential = {"private_key": another, "public_certificate": public}
    app = client_of(identity, http, XYZ, client_credential=credential)
    assert app.acquire_token_for_client(DEFAULT)["error_codes"] == [700027]
    identity.directory.apps[APP].certificates.append(public)
    assert app.acquire_token_for_client(DEFAULT)["error_codes"] == [700027]


def test_what_microsoft_does_not_know_is_refused(
    identity: MicrosoftIdentity, http: httpx.Client
) -> None:
    at = identity.authority
    assert http.get(f"{at}/{XYZ}/anything").status_code == 404
    assert http.post(f"{at}/{XYZ}/oauth2/v2.0/authorize").status_code == 404
    asked = {"client_id": APP, "grant_type": "password", "username": BOB}
    answer = http.post(f"{at}/{XYZ}/oauth2/v2.0/token", data=asked)
    assert answer.json()["error"] == "unsupported_grant_type"
    answer = http.post(f"{at}/{XYZ}/oauth2/v2.0/token", data={**asked, "oops": "1"})
    assert answer.json()["error"] == "invalid_request"
    elsewhere = {"client_id": APP, "response_type": "code", "redirect_uri": "https://evil.example/"}
    page = http.get(f"{at}/{XYZ}/oauth2/v2.0/authorize", params=elsewhere)
    assert (page.status_code, "AADSTS50011" in page.text) == (400, True)


def test_our_own_client_signs_an_app_in_by_its_certificate(identity: MicrosoftIdentity) -> None:
    """msal gives the assertion as bytes, of which httpx by itself would send the repr."""
    public, private = certificate()
    identity.directory.apps[APP].certificates.append(public)
    client = MicrosoftClient(client_id=APP, certificate=public, private_key=private)
    app = MicrosoftApp(client=client, authority_url=f"{identity.authority}/{XYZ}")
    platform = IdentityPlatform(Reach(allow_private=True), TlsContexts(identity.ca_file))
    token = platform.for_app(app, Resource.GRAPH)
    platform.close()
    claims = identity.claims_of(token.secret)
    assert claims is not None
    assert (claims["appid"], claims["tid"]) == (APP, XYZ)
