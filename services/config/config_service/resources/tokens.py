"""API tokens: shown once, kept as their hash."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from config_service.bodies import NewTokenView, TokenBody, TokenChange, TokenView
from config_service.domain.merge_patch import merge
from config_service.domain.references import token_agent_refusal, token_removal_refusal
from config_service.domain.refusals import Reason, Refusal
from config_service.resources.documents import Documents, checked, document_of, read_as
from config_service.resources.refusing import refuse, require_match
from postbus.configuration import Kept
from postbus.contracts.base import JsonObject
from postbus.contracts.configuration import ApiToken
from postbus.errors import TemporaryError
from postbus.runtime.auth import hash_of

KIND = "tokens"


class Tokens:
    """What can be done with tokens; `refresh` makes this service see a change at once."""

    def __init__(
        self,
        documents: Documents,
        new_token: Callable[[], str],
        *,
        refresh: Callable[[], Awaitable[None]],
    ) -> None:
        self._documents = documents
        self._new_token = new_token
        self._refresh = refresh

    async def all(self) -> list[TokenView]:
        """Every token, by id."""
        return [_view(kept) for kept in (await self._documents.state()).of_kind(KIND)]

    async def get(self, id_: str) -> tuple[Kept, TokenView]:
        """One; 404."""
        kept = await self._documents.get(KIND, id_)
        return kept, _view(kept)

    async def create(self, body: TokenBody, *, by: str) -> tuple[Kept, NewTokenView]:
        """Make one; 409 when the name is taken, since the audit tells people apart by it."""
        async with self._documents.changing() as state:
            if any(token.name == body.name for token in state.configuration.tokens):
                detail = f"There is a token for {body.name} already."
                refuse(Refusal(Reason.ALREADY_EXISTS, detail, "#/name"))
            refuse(token_agent_refusal(body.agent, state.configuration))
            secret = self._new_token()
            token = ApiToken(id=hash_of(secret), name=body.name, scope=body.scope, agent=body.agent)
            kept = await self._documents.create(KIND, token.id, document_of(token), by=by)
        await self._see_it()
        return kept, NewTokenView(**dict(_view(kept)), token=secret)

    async def patch(
        self, id_: str, patch: JsonObject, *, match: str | None, by: str
    ) -> tuple[Kept, TokenView]:
        """Say whose it is; 404, 412, 422, 428."""
        async with self._documents.changing() as state:
            kept = state.get(KIND, id_)
            require_match(match, kept)
            change = checked(TokenChange, patch)
            refuse(token_agent_refusal(change.agent, state.configuration))
            document = merge(kept.document or {}, patch)
            changed = await self._documents.replace(kept, document, by=by)
        await self._see_it()
        return changed, _view(changed)

    async def remove(self, id_: str, *, match: str | None, by: str) -> None:
        """Revoke one; 404, 409 for the last admin token, 412, 428."""
        async with self._documents.changing() as state:
            kept = state.get(KIND, id_)
            require_match(match, kept)
            token = state.configuration.token(id_)
            refuse(token_removal_refusal(token, state.configuration) if token else None)
            await self._documents.remove(kept, by=by)
        await self._see_it()

    async def _see_it(self) -> None:
        with suppress(TemporaryError):  # it is written; the follower sees it when NATS is back
            await self._refresh()


def _view(kept: Kept) -> TokenView:
    token = read_as(ApiToken, kept)
    return TokenView(
        id=token.id,
        name=token.name,
        scope=token.scope,
        agent=token.agent,
        created_at=kept.change.at,
        created_by=kept.change.by,
    )
