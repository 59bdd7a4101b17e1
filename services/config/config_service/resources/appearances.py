"""How the mail of queues looks: templates that are tried before they are kept, and the logo."""

import base64
from dataclasses import dataclass

from config_service.appearance_bodies import AppearanceBody, PreviewBody, PreviewView
from config_service.domain.logo_sizes import shown_size
from config_service.ports import Logos, NoPicture, Pictures
from config_service.resources.documents import Documents, State, document_of, read_as
from config_service.resources.previewing import previewed
from config_service.resources.refusing import not_found, require_match
from postbus.appearance import LOGO_ID, Look, look_of, wrongs_of
from postbus.configuration import Kept, key_of
from postbus.contracts.appearance import MOST_LOGO_BYTES, Appearance, Logo
from postbus.contracts.base import JsonObject
from postbus.errors import BlobMissing
from postbus.runtime.problems import FieldError, Problem

KIND = "appearance"
_QUEUES = "inbound-channels"


@dataclass(frozen=True)
class LogoFile:
    """The bytes of a logo, and what they are."""

    logo: Logo
    data: bytes


class AppearanceOfQueues:
    """What can be done with the appearance of a queue."""

    def __init__(self, documents: Documents, logos: Logos, pictures: Pictures) -> None:
        self._documents = documents
        self._logos = logos
        self._pictures = pictures

    async def all(self) -> list[Kept]:
        """Every appearance that was configured, by queue."""
        return (await self._documents.state()).of_kind(KIND)

    async def get(self, queue: str) -> Kept:
        """One; 404 for a queue that looks as shipped."""
        return await self._documents.get(KIND, queue)

    async def put(
        self, queue: str, body: AppearanceBody, *, match: str | None, by: str
    ) -> tuple[Kept, bool]:
        """Keep it, and whether it is new; the logo stays. 404, 412, 422, 428."""
        wanted = _checked(body, queue)
        async with self._documents.changing() as state:
            return await self._write(state, queue, wanted, match=match, by=by)

    async def remove(self, queue: str, *, match: str | None, by: str) -> None:
        """Look as shipped again; 404, 412, 428."""
        async with self._documents.changing() as state:
            kept = state.get(KIND, queue)
            require_match(match, kept)
            await self._documents.remove(kept, by=by)

    async def put_logo(self, queue: str, data: bytes, *, match: str | None, by: str) -> Kept:
        """Show that picture; 404, 412, 413, 422, 428."""
        logo = await self._kept_logo(data)
        async with self._documents.changing() as state:
            kept = state.kept.get(key_of(KIND, queue))
            there = kept.document if kept else document_of(Appearance(id=queue))
            wanted = {**(there or {}), "logo": logo.model_dump(mode="json")}
            written, _ = await self._replace(state, queue, wanted, match=match, by=by)
            return written

    async def remove_logo(self, queue: str, *, match: str | None, by: str) -> None:
        """Show the name of the queue instead; 404, 412, 428."""
        async with self._documents.changing() as state:
            kept = state.get(KIND, queue)
            if not (kept.document or {}).get("logo"):
                raise not_found("logos", queue)
            await self._replace(
                state, queue, {**(kept.document or {}), "logo": None}, match=match, by=by
            )

    async def logo(self, queue: str) -> LogoFile:
        """The picture; 404."""
        logo = read_as(Appearance, await self.get(queue)).logo
        if logo is None:
            raise not_found("logos", queue)
        return LogoFile(logo, await self._logos.get(logo.sha256))

    async def preview(self, queue: str, body: PreviewBody) -> PreviewView:
        """What a mail would look like; 404 for no queue, 422 for a draft with a fault."""
        state = await self._documents.state()
        channel = state.configuration.inbound(queue)
        if channel is None:
            raise not_found(_QUEUES, queue)
        kept = state.configuration.appearance(queue)
        draft = _checked(body.appearance, queue) if body.appearance else kept
        if draft is not None:
            draft = draft.model_copy(update={"logo": kept.logo if kept else None})
        look = look_of(draft, channel, queue_id=queue)
        return await self._with_logo(previewed(body, look), look)

    async def _write(
        self, state: State, queue: str, wanted: Appearance, *, match: str | None, by: str
    ) -> tuple[Kept, bool]:
        there = state.kept.get(key_of(KIND, queue))
        logo = (there.document or {}).get("logo") if there else None
        document = {**document_of(wanted), "logo": logo}
        return await self._replace(state, queue, document, match=match, by=by)

    async def _replace(
        self, state: State, queue: str, document: JsonObject, *, match: str | None, by: str
    ) -> tuple[Kept, bool]:
        if state.configuration.inbound(queue) is None:
            raise not_found(_QUEUES, queue)
        there = state.kept.get(key_of(KIND, queue))
        if there is None:
            if match is not None:
                # RFC 9110 §13.1.1: there is nothing that the condition could be true of.
                raise Problem(412, "stale", detail=f"{queue} has no appearance of its own yet.")
            return await self._documents.create(KIND, queue, document, by=by), True
        require_match(match, there)
        return await self._documents.replace(there, document, by=by), False

    async def _kept_logo(self, data: bytes) -> Logo:
        if len(data) > MOST_LOGO_BYTES:
            detail = f"A logo has {MOST_LOGO_BYTES // 1024} KiB at most: it is part of every mail."
            raise Problem(413, "too-large", detail=detail)
        try:
            picture = self._pictures.look_at(data)
        except NoPicture as error:
            detail = f"The logo cannot be taken: {error}."
            raise Problem(
                422, "invalid", detail=detail, errors=(FieldError("#", detail),)
            ) from error
        ref = await self._logos.put(data)
        width, height = shown_size(picture.width, picture.height)
        return Logo(
            sha256=ref.sha256,
            size_bytes=ref.size_bytes,
            content_type=picture.content_type,
            width=width,
            height=height,
        )

    async def _with_logo(self, view: PreviewView, look: Look) -> PreviewView:
        """The picture in the page, where a mail would have it as a part."""
        logo = look.appearance.logo
        if logo is None:
            return view
        try:
            data = base64.b64encode(await self._logos.get(logo.sha256)).decode()
        except BlobMissing:
            return view
        html = view.html.replace(f"cid:{LOGO_ID}", f"data:{logo.content_type};base64,{data}")
        return view.model_copy(update={"html": html})


def _checked(body: AppearanceBody, queue: str) -> Appearance:
    """The appearance of that queue; 422 with each fault of its templates."""
    if body.id not in ("", queue):
        detail = f"It is that of {queue}."
        raise Problem(422, "invalid", detail=detail, errors=(FieldError("#/id", detail),))
    wanted = Appearance(**{**body.model_dump(), "id": queue, "logo": None})
    wrongs = wrongs_of(wanted)
    if wrongs:
        errors = tuple(FieldError(one.pointer, one.detail) for one in wrongs)
        detail = f"{wrongs[0].pointer.removeprefix('#/')}, {wrongs[0].detail}"
        raise Problem(422, "invalid", detail=detail, errors=errors)
    return wanted
