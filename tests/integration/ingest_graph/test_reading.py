"""Mail in a mailbox of Microsoft 365 becomes facts."""

from servers.graph_house import GraphHouse


def mail(number: object, *, size: int = 0) -> bytes:
    body = "x" * 70 + "\r\n"
    return (
        f"From: Anna <anna@customer.example>\r\nTo: support@example.com\r\n"
        f"Subject: Mail {number}\r\nMessage-ID: <mail-{number}@customer.example>\r\n"
        f"Date: Tue, 24 Nov 2026 12:00:00 +0000\r\n\r\nHello {number}.\r\n"
        f"{body * (size // len(body))}"
    ).encode()


async def test_a_mail_becomes_a_fact(house: GraphHouse) -> None:
    address = await house.mailbox()
    await house.start()
    await house.until_state("connected")
    id_ = house.microsoft.graph.deliver(address, mail(1))
    (fact,) = await house.until_received(1)
    assert fact.subject == "Mail 1"
    assert fact.channel == "support"
    assert fact.route.door == "graph"
    assert fact.route.origin.provider_id == id_
    assert house.microsoft.graph.without_immutable_id == 0
