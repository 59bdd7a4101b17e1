"""Tries a channel out step by step; the step that failed says why, and what to do."""

from collections.abc import Awaitable
from typing import TypeVar

from postbus.contracts.trying import TryResult, TryStep, TryStepName
from postbus.errors import PostbusError

Result = TypeVar("Result")
_DETAIL_AT_MOST = 500


class Trial:
    """One trial; the steps so far are its answer, whatever happens."""

    def __init__(self) -> None:
        self._steps: list[TryStep] = []

    async def run(self, work: Awaitable[None], *, begins_with: TryStepName) -> TryResult:
        """How far it came; what fails outside a step counts as that one."""
        try:
            await work
        except PostbusError as error:
            if not self._steps or self._steps[-1].ok:
                self.note(failed_step(begins_with, error))
        return TryResult(ok=all(step.ok for step in self._steps), steps=tuple(self._steps))

    async def step(self, name: TryStepName, work: Awaitable[Result]) -> Result:
        """Do it; a text that it gives is the detail, and a step stands for itself.

        PostbusError as the work raises it, after it was noted.
        """
        try:
            result = await work
        except PostbusError as error:
            self.note(failed_step(name, error))
            raise
        if isinstance(result, TryStep):
            self.note(result)
        else:
            self.note(TryStep(name=name, ok=True, detail=result if isinstance(result, str) else ""))
        return result

    def note(self, step: TryStep) -> None:
        """Add a step; one of two halves is told once."""
        if self._steps and self._steps[-1].name == step.name:
            self._steps.pop()
        self._steps.append(step)


def failed_step(name: TryStepName, error: PostbusError) -> TryStep:
    """What failed, why, and what to do about it."""
    return TryStep(
        name=name,
        ok=False,
        detail=str(error)[:_DETAIL_AT_MOST],
        reason=getattr(error, "reason", ""),
        advice=getattr(error, "advice", ""),
    )
