"""Tokens that the stand-in of the identity platform signs open mailboxes at that of Graph."""

from collections.abc import Iterator

import httpx
import pytest

from servers.graph.signing_in import client_of, refusal
from servers.microsoft365 import CLIENT_ID, SECRET, TENANT, Microsoft365

BOX = "support@example.com"
SHARED = "sales@example.com"
READ_WRITE = {"https://graph.microsoft.com/Mail.ReadWrite"}


@pytest.fixture
def microsoft() -> Iterator[Microsoft365]:
    both = Microsoft365().start()
    both.add_mailbox(BOX)
    both.graph.add_mailbox(SHARED)
    yield both
    both.stop()


def inbox(microsoft: Microsoft365, token: str, box: str) -> httpx.Response:
    with client_of(microsoft.graph, token, box) as client:
        return client.get("mailFolders/inbox")


def person_token(microsoft: Microsoft365, scopes: set[str]) -> str:
    return str(microsoft.identity.issue(BOX, CLIENT_ID, scopes)["access_token"])


def app_token(microsoft: Microsoft365) -> str:
    with client_of(microsoft.graph, "none", BOX) as client:
        answer = client.post(
            f"{microsoft.authority_url}/oauth2/v2.0/token",
            data={
                "grant_type": "client_credentials",
                "client_id": CLIENT_ID,
                "client_secret": SECRET,
                "scope": "https://graph.microsoft.com/.default",
            },
        )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def test_a_person_opens_the_own_mailbox_until_the_sign_in_is_revoked(microsoft):
    token = person_token(microsoft, READ_WRITE)
    assert inbox(microsoft, token, BOX).status_code == 200
    assert refusal(inbox(microsoft, token, SHARED)) == (403, "ErrorAccessDenied")
    microsoft.identity.revoke(BOX)
    assert refusal(inbox(microsoft, token, BOX)) == (401, "InvalidAuthenticationToken")


def test_a_shared_mailbox_needs_the_right_and_the_permission(microsoft):
    microsoft.graph.access.delegates[SHARED] = {BOX}
    plain = person_token(microsoft, READ_WRITE)
    assert refusal(inbox(microsoft, plain, SHARED)) == (403, "ErrorAccessDenied")
    shared = person_token(microsoft, {"https://graph.microsoft.com/Mail.ReadWrite.Shared"})
    assert inbox(microsoft, shared, SHARED).status_code == 200
    assert inbox(microsoft, shared, BOX).status_code == 200


def test_an_app_opens_all_by_its_role_or_what_is_in_its_scope(microsoft):
    microsoft.app.roles[TENANT] = {"Mail.ReadWrite"}
    assert inbox(microsoft, app_token(microsoft), SHARED).status_code == 200
    microsoft.app.roles[TENANT] = set()
    scoped = app_token(microsoft)
    microsoft.graph.access.rbac[CLIENT_ID] = {BOX: {"Mail.Read"}}
    assert inbox(microsoft, scoped, BOX).status_code == 200
    assert refusal(inbox(microsoft, scoped, SHARED)) == (403, "ErrorAccessDenied")
