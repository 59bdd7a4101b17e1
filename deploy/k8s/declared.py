"""What the manifests may refer to and is not in them: the Secrets, and who may read each.

`k8s.make_keys` makes those of the first group; docs/guides/kubernetes.md shows the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from image.launcher import SETUP
from pydantic_settings import BaseSettings

from config_service.settings import Settings as ConfigSettings
from dispatch.settings import DispatchSettings
from ingest_forward.settings import IngestForwardSettings
from ingest_graph.settings import IngestGraphSettings
from ingest_imap.settings import IngestImapSettings
from loopguard.settings import LoopguardSettings
from postbus.bus.permissions import SETUP_USER
from postbus.bus.topology import TOPOLOGY
from ticketing.settings import TicketingSettings

SETTINGS: Mapping[str, type[BaseSettings]] = {
    "config": ConfigSettings,
    "ticketing": TicketingSettings,
    "loopguard": LoopguardSettings,
    "dispatch": DispatchSettings,
    "ingest-forward": IngestForwardSettings,
    "ingest-imap": IngestImapSettings,
    "ingest-graph": IngestGraphSettings,
}
"""What each service reads from its environment."""

WORKLOADS = (*SETTINGS, SETUP)
ONE_REPLICA = ("config",)
"""Two of these at a time could contradict one another."""
KEEPS_ITS_NAME = ("dispatch",)
"""A replica of these must be known again after a restart."""
BLOB_USERS = ("config", "dispatch", "ingest-forward", "ingest-graph", "ingest-imap", "ticketing")


@dataclass(frozen=True)
class DeclaredSecret:
    """A Secret of the namespace: its keys, the file that each is made from, and who reads it."""

    name: str
    files: Mapping[str, str]
    read_by: tuple[str, ...]
    needed: bool = True


MADE_SECRETS = (
    *(
        DeclaredSecret(f"nats-{user}", {"nats.seed": f"nats-{user}.seed"}, (user,))
        for user in (*TOPOLOGY.services, SETUP_USER)
    ),
    DeclaredSecret(
        "stamp-keys",
        {"stamp.keys": "stamp.keys"},
        ("config", "ingest-forward", "ingest-graph", "ingest-imap", "ticketing"),
    ),
    DeclaredSecret("sealing-public", {"sealing.public": "sealing.public"}, ("config",)),
    DeclaredSecret(
        "sealing-private",
        {"sealing.private": "sealing.private"},
        ("dispatch", "ingest-graph", "ingest-imap"),
    ),
    DeclaredSecret("bootstrap-tokens", {"tokens.json": "tokens.json"}, ("config",)),
)
"""From keys that nobody but Postbus knows; those of tools stay with the people who run them."""

GIVEN_SECRETS = (
    DeclaredSecret("mongodb", {"url": "mongodb.url"}, ("ticketing",)),
    DeclaredSecret("relay", {"url": "relay.url"}, ("dispatch",)),
    DeclaredSecret(
        "blob-store",
        {
            "access-key-id": "blob-store.access-key-id",
            "secret-access-key": "blob-store.secret-access-key",
        },
        BLOB_USERS,
    ),
    DeclaredSecret(
        "smtp-tls", {"tls.crt": "tls.crt", "tls.key": "tls.key"}, ("ingest-forward",), needed=False
    ),
)
"""What MongoDB, the mail server, the blob store and, for STARTTLS, your authority gave you."""

SECRETS: Mapping[str, DeclaredSecret] = {one.name: one for one in (*MADE_SECRETS, *GIVEN_SECRETS)}
