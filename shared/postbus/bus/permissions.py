"""What each NATS user may do, and the server's user list made from it.

Made from the topology and the event catalogue; the minimal sets were found by taking one permission
away at a time until something failed. A violation shows in the client's error callback only, so
the bus logs it as critical.
"""

from dataclasses import dataclass

from postbus.bus.topology import TOPOLOGY, Bucket, Durable, Topology, inbox_prefix
from postbus.contracts.catalogue import FACTS

SETUP_USER = "setup"
SUBSCRIBER_USER = "subscriber"


@dataclass(frozen=True)
class Permissions:
    """Subjects a user may publish to and subscribe to; `answers` allows replies to requests."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    answers: bool = False
    never_publish: tuple[str, ...] = ()


def of_service(service: str, topology: Topology = TOPOLOGY) -> Permissions:
    """What one service, or one program that people run, needs and nothing else."""
    publish = [f"{fact.type}.>" for fact in FACTS if service in fact.told_by]
    for durable in topology.durables:
        publish += _pull(durable) if durable.service == service else []
        publish += [_watch(durable)] if service in durable.watchers else []
    for stream in topology.streams:
        publish += [f"$JS.API.DIRECT.GET.{stream.name}"] if service in stream.readers else []
    for bucket in topology.buckets:
        publish += _read(bucket) if service in bucket.readers else []
        publish += [f"$KV.{bucket.name}.>"] if service in bucket.writers else []
    publish += [asked.subject for asked in topology.requests if service in asked.asked_by]
    answered = [
        f"{asked.subject} {service}" for asked in topology.requests if service == asked.answered_by
    ]
    return Permissions(
        tuple(dict.fromkeys(publish)),
        (f"{inbox_prefix(service)}.>", *answered),
        answers=bool(answered),
    )


def of_setup() -> Permissions:
    """The job that makes the topology: the JetStream API, no messages."""
    return Permissions(("$JS.API.>",), (f"{inbox_prefix(SETUP_USER)}.>",))


def of_subscriber(topology: Topology = TOPOLOGY) -> Permissions:
    """Another team's service: read every event stream with consumers of its own.

    Our durables are refused by name: pulling from one would take messages away from a service.
    """
    publish = ["$JS.API.INFO", "$JS.API.STREAM.NAMES"]
    for stream in topology.streams:
        publish += [
            f"$JS.API.STREAM.INFO.{stream.name}",
            f"$JS.API.CONSUMER.CREATE.{stream.name}",
            f"$JS.API.CONSUMER.CREATE.{stream.name}.>",
            f"$JS.API.CONSUMER.DURABLE.CREATE.{stream.name}.*",
            f"$JS.API.CONSUMER.DELETE.{stream.name}.*",
            f"$JS.API.CONSUMER.INFO.{stream.name}.*",
            f"$JS.API.CONSUMER.MSG.NEXT.{stream.name}.*",
            f"$JS.ACK.{stream.name}.>",
            f"$JS.FC.{stream.name}.>",
        ]
    never = [
        subject
        for durable in topology.durables
        for at in (f"{durable.stream}.{durable.name}",)
        for subject in (
            f"$JS.API.CONSUMER.CREATE.{at}",
            f"$JS.API.CONSUMER.CREATE.{at}.>",
            f"$JS.API.CONSUMER.DURABLE.CREATE.{at}",
            f"$JS.API.CONSUMER.DELETE.{at}",
            f"$JS.API.CONSUMER.MSG.NEXT.{at}",
            f"$JS.ACK.{at}.>",
        )
    ]
    return Permissions(tuple(publish), ("_INBOX.>",), never_publish=tuple(never))


def _watch(durable: Durable) -> str:
    return f"$JS.API.CONSUMER.INFO.{durable.stream}.{durable.name}"


def _pull(durable: Durable) -> list[str]:
    at = f"{durable.stream}.{durable.name}"
    return [
        _watch(durable),
        f"$JS.API.CONSUMER.MSG.NEXT.{at}",
        f"$JS.ACK.{at}.>",
    ]


def _read(bucket: Bucket) -> list[str]:
    stream = f"KV_{bucket.name}"
    return [
        f"$JS.API.STREAM.INFO.{stream}",
        f"$JS.API.CONSUMER.CREATE.{stream}",
        f"$JS.API.CONSUMER.CREATE.{stream}.>",
        f"$JS.API.CONSUMER.INFO.{stream}.*",
        f"$JS.API.CONSUMER.DELETE.{stream}.*",
        f"$JS.API.DIRECT.GET.{stream}.>",
        f"$JS.API.STREAM.MSG.GET.{stream}",
        f"$JS.FC.{stream}.>",
    ]


def server_users(public_keys: dict[str, str], *, subscriber_password: str) -> str:
    """The `authorization` block of nats-server.conf; `public_keys` by user."""
    users = [_user(f"nkey: {public_keys[user]}", of_service(user)) for user in TOPOLOGY.users]
    users.append(_user(f"nkey: {public_keys[SETUP_USER]}", of_setup()))
    login = f'user: {SUBSCRIBER_USER}, password: "{subscriber_password}"'
    users.append(_user(login, of_subscriber()))
    return "authorization {\n  users = [\n" + "".join(users) + "  ]\n}\n"


def _user(identity: str, may: Permissions) -> str:
    answers = "      allow_responses: true\n" if may.answers else ""
    never = f", deny: [{_quoted(may.never_publish)}]" if may.never_publish else ""
    return (
        f"    {{ {identity}, permissions: {{\n"
        f"      publish: {{ allow: [{_quoted(may.publish)}]{never} }}\n"
        f"      subscribe: {{ allow: [{_quoted(may.subscribe)}] }}\n"
        f"{answers}    }} }}\n"
    )


def _quoted(subjects: tuple[str, ...]) -> str:
    return ", ".join(f'"{subject}"' for subject in subjects)
