"""Why a mailbox was not set up, as problem documents that a person understands."""

from config_service.resources.channel_tests import view_of_try
from config_service.resources.trying import in_words, said_of
from postbus.contracts.trying import TryResult, TryStep
from postbus.errors import CredentialsRejected, MailHostUnavailable
from postbus.runtime.problems import FieldError, Problem


def try_problem(came: TryResult, went: TryResult, pointer: str) -> Problem:
    """422 of a mailbox that cannot be read from, or not sent by; its steps are members."""
    failed = [
        (doing, result.failed_step())
        for doing, result in (("Reading mail", came), ("Sending mail", went))
        if not result.ok
    ]
    first = failed[0][1]
    detail = " ".join(f"{doing}: {_sentence(in_words(step))}" for doing, step in failed)
    return Problem(
        422,
        "try-failed",
        detail=f"{detail} Nothing was set up.",
        errors=(FieldError(_pointer(first, pointer), in_words(first)),),
        members={
            **said_of(first),
            "inbound": view_of_try(came).model_dump(mode="json"),
            "outbound": view_of_try(went).model_dump(mode="json"),
        },
    )


def changed_meanwhile() -> Problem:
    """409: somebody else made or changed such a channel while this one was tried."""
    detail = "The channels changed while the mailbox was tried; nothing was set up. Try again."
    return Problem(409, "conflict", detail=detail)


def unknown_sign_in() -> Problem:
    """404 of a state that nobody waits for."""
    detail = (
        "No sign-in is under way for this: it was finished, ten minutes have passed, somebody else "
        "started it, or this service was started anew. Start again."
    )
    return Problem(404, "sign-in-unknown", detail=detail)


def not_configured(pointer: str, detail: str) -> Problem:
    """422 of a sign-in that this installation cannot start."""
    return Problem(422, "not-configured", detail=detail, errors=(FieldError(pointer, detail),))


def sign_in_problem(error: CredentialsRejected | MailHostUnavailable, away_slug: str) -> Problem:
    """422 when the provider or the person said no, 503 when the provider could not be asked."""
    away = isinstance(error, MailHostUnavailable)
    return Problem(
        503 if away else 422,
        away_slug if away else "sign-in-failed",
        detail=f"{_sentence(str(error))} Nothing was set up.",
        members={"reason": error.reason, "advice": error.advice},
    )


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _pointer(step: TryStep | None, pointer: str) -> str:
    name = step.name.value if step else ""
    return {"sign-in": pointer, "folders": "#/folders"}.get(name, "#")
