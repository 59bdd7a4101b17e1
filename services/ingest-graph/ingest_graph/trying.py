"""Tries a mailbox step by step, and says which step failed, why, and what to do."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from pydantic import SecretStr

from ingest_graph.ports import FolderMissing, Mailbox
from ingest_graph.taking_up import folder_missing
from postbus.connecting.trial import Trial
from postbus.contracts.configuration import GraphAuth, GraphSettings, InboundChannel
from postbus.contracts.trying import TryInbound, TryResult, TryStep, TryStepName
from postbus.errors import NotConfigured
from postbus.microsoft.granted import reach_of_app, too_wide


class Steps(Protocol):
    """The steps of opening a mailbox; each raises what `Mailbox` does."""

    async def resolve(self, graph: GraphSettings) -> str:
        """The addresses of Graph, in words."""

    def forget(self, secret: SecretStr) -> None:
        """Ask Microsoft itself for the next token."""

    async def open(self, graph: GraphSettings, secret: SecretStr) -> Mailbox:
        """The mailbox, with a token that was just got."""

    async def roles(self, secret: SecretStr) -> Sequence[str]:
        """The application permissions that hold for every mailbox of the organisation."""


class Trying:
    """Answers config."""

    def __init__(
        self,
        steps: Steps,
        secrets: Callable[[str, str | None], Awaitable[SecretStr | None]],
        *,
        hooks_url: str | None,
    ) -> None:
        self._steps = steps
        self._secrets = secrets
        self._hooks_url = hooks_url

    async def on_try(self, question: TryInbound) -> TryResult:
        """How far it came; nothing is fetched or marked."""
        trial = Trial()
        return await trial.run(self._all(question, trial), begins_with=TryStepName.RESOLVE)

    async def _all(self, question: TryInbound, trial: Trial) -> None:
        graph = question.channel.graph
        if graph is None:
            raise NotConfigured("the channel is no mailbox of Microsoft 365")
        await trial.step(TryStepName.RESOLVE, self._steps.resolve(graph))
        secret = await self._secrets(question.channel.id, question.sealed_secret)
        mailbox = await trial.step(TryStepName.SIGN_IN, self._open(graph, secret))
        await trial.step(TryStepName.FOLDERS, _folders(mailbox, question.channel))
        await trial.step(TryStepName.PUSH, self._push())
        if graph.auth is GraphAuth.APP_ONLY and secret is not None:
            await trial.step(TryStepName.SCOPE, self._scope(graph, secret))

    async def _open(self, graph: GraphSettings, secret: SecretStr | None) -> Mailbox:
        if secret is None:
            raise NotConfigured("nobody has signed in to this mailbox yet")
        self._steps.forget(secret)
        return await self._steps.open(graph, secret)

    async def _push(self) -> str:
        if self._hooks_url is None:
            return "Graph is asked for new mail every half minute; with HOOKS_URL it tells at once"
        return f"Graph tells of new mail at once, at {self._hooks_url}"

    async def _scope(self, graph: GraphSettings, secret: SecretStr) -> TryStep:
        """Whether the app may open other mailboxes, too: never a failure, at most a warning."""
        probe = graph.probe_mailbox
        if probe is None:
            return reach_of_app(await self._steps.roles(secret))
        if await self._opens(graph, probe, secret):
            return too_wide(f"the app can open {probe}, which it must not")
        return TryStep(name=TryStepName.SCOPE, ok=True, detail=f"{probe} is closed to the app")

    async def _opens(self, graph: GraphSettings, other: str, secret: SecretStr) -> bool:
        try:
            mailbox = await self._steps.open(graph.model_copy(update={"mailbox": other}), secret)
            await mailbox.folder("inbox")
        except (NotConfigured, FolderMissing):
            return False
        return True

    @staticmethod
    def failed(error: Exception) -> TryResult:
        """The answer when the question itself made trouble."""
        step = TryStep(name=TryStepName.RESOLVE, ok=False, detail=type(error).__name__)
        return TryResult(ok=False, steps=(step,))


async def _folders(mailbox: Mailbox, channel: InboundChannel) -> str:
    """Every folder is there; how many mails lie in each, in words."""
    words = []
    for name in channel.graph.folders if channel.graph else ():
        try:
            folder = await mailbox.folder(name)
        except FolderMissing as error:
            raise folder_missing(name) from error
        words.append(f"{name} has {folder.mails} mails")
    if channel.move_to is not None:
        await mailbox.make_folder(channel.move_to)
    return "; ".join(words)
