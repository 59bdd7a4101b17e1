"""Is every mail of a mailbox a ticket? The proof that was made last, or one made now."""

from config_service.domain.channel_health import reader_of
from config_service.ports import Known, Prove
from config_service.resources.documents import Documents, read_as
from config_service.resources.inbound import KIND
from postbus.contracts.configuration import InboundChannel
from postbus.contracts.mailboxes import CompletenessProof
from postbus.errors import BusUnavailable
from postbus.runtime.problems import Problem


class Completeness:
    """Completeness proofs of mailboxes."""

    def __init__(self, documents: Documents, known: Known, prove: Prove) -> None:
        self._documents = documents
        self._known = known
        self._prove = prove

    async def of(self, id_: str, *, fresh: bool) -> CompletenessProof:
        """The last proof; a new one where there is none, or when it shall be fresh.

        404 for no channel, 409 for one without a mailbox, 503 when its reader does not answer.
        """
        channel = read_as(InboundChannel, await self._documents.get(KIND, id_))
        if channel.mailbox is None:
            raise Problem(
                409,
                "no-mailbox",
                detail=f"Mail is forwarded to {id_}: there is no mailbox to compare with.",
            )
        kept = None if fresh else await self._known.proof(id_)
        return kept if kept is not None else await self._fresh(channel)

    async def _fresh(self, channel: InboundChannel) -> CompletenessProof:
        try:
            return await self._prove(channel)
        except BusUnavailable as error:
            raise Problem(
                503,
                "proof-unavailable",
                detail=f"{reader_of(channel)}, which reads mailboxes, does not answer, or needs "
                "longer than a minute.",
                headers={"Retry-After": "30"},
            ) from error
