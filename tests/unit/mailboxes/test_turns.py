"""Who may fetch next, and who waits for whom."""

import asyncio

from postbus.mailboxes.scheduling import Scheduler
from postbus.mailboxes.turns import Kind, Turns


def order(turns: Turns[str]) -> list[str]:
    found = []
    while (one := turns.next()) is not None:
        found.append(one[0])
        turns.done(one[1])
    return found


def test_everybody_has_a_turn_before_anybody_has_a_second() -> None:
    turns: Turns[str] = Turns(places=1, backlog_places=1)
    for who in ("a", "b", "a", "c"):
        turns.stand_in_line(who, Kind.LIVE)
    assert order(turns) == ["a", "b", "a", "c"]


def test_mail_of_today_goes_first() -> None:
    turns: Turns[str] = Turns(places=1, backlog_places=1)
    turns.stand_in_line("old", Kind.BACKLOG)
    turns.stand_in_line("new", Kind.LIVE)
    assert order(turns) == ["new", "old"]


def test_mail_from_before_never_has_all_places() -> None:
    turns: Turns[str] = Turns(places=4, backlog_places=1)
    for number in range(4):
        turns.stand_in_line(f"old-{number}", Kind.BACKLOG)
    assert turns.next() == ("old-0", Kind.BACKLOG)
    assert turns.next() is None
    turns.stand_in_line("new", Kind.LIVE)
    assert turns.next() == ("new", Kind.LIVE)


def test_there_are_only_so_many_places() -> None:
    turns: Turns[str] = Turns(places=2, backlog_places=1)
    for who in "abc":
        turns.stand_in_line(who, Kind.LIVE)
    assert [turns.next(), turns.next(), turns.next()] == [
        ("a", Kind.LIVE),
        ("b", Kind.LIVE),
        None,
    ]
    turns.done(Kind.LIVE)
    assert turns.next() == ("c", Kind.LIVE)


def test_who_leaves_the_line_holds_up_nobody() -> None:
    turns: Turns[str] = Turns(places=1, backlog_places=1)
    turns.stand_in_line("a", Kind.LIVE)
    turns.stand_in_line("b", Kind.LIVE)
    turns.leave("a", Kind.LIVE)
    turns.leave("nobody", Kind.LIVE)
    assert order(turns) == ["b"]


async def test_a_place_is_free_again_however_its_holder_ended() -> None:
    scheduler = Scheduler(places=1, backlog_places=1)
    begun = asyncio.Event()

    async def hold(*, fails: bool) -> None:
        async with scheduler.turn(Kind.LIVE):
            begun.set()
            if fails:
                raise ValueError
            await asyncio.sleep(60)

    holder = asyncio.create_task(hold(fails=False))
    await begun.wait()
    waiting = asyncio.create_task(hold(fails=False))
    await asyncio.sleep(0)
    waiting.cancel()
    holder.cancel()
    await asyncio.gather(holder, waiting, return_exceptions=True)
    failed = asyncio.create_task(hold(fails=True))
    await asyncio.gather(failed, return_exceptions=True)
    async with asyncio.timeout(1), scheduler.turn(Kind.LIVE):
        pass
