"""DKIM on the bytes that a real mail server received."""

import dkim
from pydantic import SecretStr

from config_service.adapters.dkim_keys import make_dkim_pair
from dispatch_stage import Stage, support
from postbus.contracts.dkim import DkimAlgorithm, DkimKey
from postbus.secrets import Sealer, generate_key_pair, write_key_files
from send_builders import send_requested
from servers.smtp import SmtpServer


async def keys_on(stage: Stage, domain: str = "postbus.localhost") -> dict[bytes, bytes]:
    """An RSA and an Ed25519 key of the relay; gives back what DNS says."""
    pair = generate_key_pair()
    private_file = stage.folder / "private"
    write_key_files(pair, public_file=stage.folder / "public", private_file=private_file)
    stage.settings["secrets_private_key_file"] = private_file
    keys, bucket = [], await stage.admin.jetstream().key_value("postbus-secrets")
    for algorithm in DkimAlgorithm:
        made = make_dkim_pair(algorithm)
        key = DkimKey(
            selector=algorithm.value[:3], domain=domain, algorithm=algorithm, active=True,
            public_key=made.public_key, created_at="2026-03-02T00:00:00Z",
        )  # fmt: skip
        name = f"dkim.relay.{key.selector}"
        sealed = Sealer(pair.public_key).seal(name, SecretStr(made.private_key.get_secret_value()))
        await bucket.put(name, sealed.encode())
        keys.append(key)
    document = {"id": "relay", "keys": [one.model_dump(mode="json") for one in keys]}
    await stage.configure("dkim", document)
    return {one.record_name.encode() + b".": one.record_value.encode() for one in keys}


async def sent(stage: Stage, relay: SmtpServer) -> bytes:
    await stage.ask_to_send(send_requested())
    await stage.until_keys("done.s-1")
    (taken,) = relay.taken
    return taken.content


async def test_what_the_relay_receives_verifies(stage: Stage, relay: SmtpServer) -> None:
    """INVARIANT: RFC 6376 and RFC 8463, on the very bytes that went over the wire."""
    known = await keys_on(stage)
    await stage.start()
    data = await sent(stage, relay)
    mail = dkim.DKIM(data)
    for at in (0, 1):
        assert mail.verify(idx=at, dnsfunc=lambda name, **_: known[name])
    algorithms = {line for line in (b"a=rsa-sha256", b"a=ed25519-sha256") if line in data}
    assert len(algorithms) == 2


async def test_mail_of_another_domain_is_not_signed(stage: Stage, relay: SmtpServer) -> None:
    await keys_on(stage, "example.com")
    service = await stage.start()
    assert b"DKIM-Signature" not in await sent(stage, relay)
    counted = service.registry.get_sample_value(
        "postbus_mails_unsigned_total", {"why": "not-aligned"}
    )
    assert counted == 1


async def test_a_server_of_ones_own_is_not_signed_for(stage: Stage, relay: SmtpServer) -> None:
    await keys_on(stage)
    smtp = {"host": "127.0.0.1", "port": relay.port, "tls": "none"}
    own = {"id": "own", "name": "Own", "kind": "smtp", "smtp": smtp}
    await stage.configure("outbound-channels", {**own, "from_address": "it@postbus.localhost"})
    await stage.configure("inbound-channels", support(reply_via="own"))
    await stage.start()
    assert b"DKIM-Signature" not in await sent(stage, relay)
