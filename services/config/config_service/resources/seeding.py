"""What a new Postbus starts with: written once, whatever becomes of it later."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from config_service.domain.seeds import seeds
from config_service.ports import Store
from config_service.resources import tokens
from config_service.resources.documents import Documents, document_of
from postbus.contracts.base import Contract, Sha256
from postbus.contracts.configuration import ApiToken, Scope
from postbus.errors import NotConfigured

MARK = "seeded"
BY = "postbus"


class BootstrapToken(Contract):
    """A token that exists before anybody can ask for one."""

    name: str
    scope: Scope
    sha256: Sha256


def read_bootstrap_tokens(file: Path | None) -> tuple[BootstrapToken, ...]:
    """The tokens of the file, none without one; NotConfigured when it cannot be read."""
    if file is None:
        return ()
    try:
        return TypeAdapter(tuple[BootstrapToken, ...]).validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise NotConfigured(f"{file.name} is no list of bootstrap tokens") from error


async def seed(documents: Documents, store: Store, *, mail_domain: str) -> None:
    """Write the first documents, once ever; a crash half way is finished at the next start.

    What an admin removed later stays removed.
    """
    if await store.mark(MARK):
        return
    async with documents.changing():
        for kind, id_, content in seeds(mail_domain, documents.now()):
            if not await documents.ever(kind, id_):
                await documents.create(kind, id_, document_of(content), by=BY)
        await store.set_mark(MARK, 1)


async def ensure_tokens(documents: Documents, wanted: Sequence[BootstrapToken]) -> None:
    """Make the tokens that never were; one that was revoked stays revoked."""
    async with documents.changing():
        for one in wanted:
            if not await documents.ever(tokens.KIND, one.sha256):
                token = ApiToken(id=one.sha256, name=one.name, scope=one.scope)
                await documents.create(tokens.KIND, token.id, document_of(token), by=BY)
