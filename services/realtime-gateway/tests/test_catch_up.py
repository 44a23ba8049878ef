"""A long way back: whoever returns slowly, or missed a lot, gets all of it and holds up nobody."""

from rte_realtime_gateway.changes import history
from rte_realtime_gateway.clients.resume import CATCH_UP_BYTES, CATCH_UP_CHANGES
from rte_realtime_gateway.protocol.changes import MAX_SELECTIONS
from rte_realtime_gateway.protocol.messages import LOAD_AGAIN, RESUMED
from rte_testkit.gateway import TEAM
from rte_testkit.gateway_world import ALL, Client, World

SESSION = "5f0c2f7e-tab"


def lost(world: World, missed: int) -> str:
    """A client that had everything loses its connection and misses so many changes; returns its token."""
    token = world.tokens.token(lives=10_000)
    client = world.client(session=SESSION)
    client.join(token=token)
    client.answer_pings()
    client.session.ended()
    for number in range(missed):
        world.change(title=str(number))
    return token


def back(world: World, token: str, *, lagging: bool = False) -> Client:
    client = world.client(session=SESSION)
    client.session.writer.lagging = lagging
    client.join(token=token)
    return client


def told(client: Client, *, already: bool = False) -> tuple[list[str], list[str]]:
    """Titles of the changes, and what `system` messages said about the place."""
    heard = client.heard_already() if already else client.heard()
    titles = [said.payload["data"]["record"]["title"] for said in heard if said.event == "postgres_changes"]
    return titles, [
        said.payload["message"]
        for said in heard
        if said.event == "system" and said.payload["message"] in (RESUMED, LOAD_AGAIN)
    ]


def test_much_that_was_missed_comes_in_turns_with_the_others() -> None:
    world = World()
    token = lost(world, 5 * CATCH_UP_CHANGES + 1)
    client = back(world, token)
    assert len(client.wire.data) < 2 * CATCH_UP_BYTES
    titles, place = told(client, already=True)
    assert 0 < len(titles) <= CATCH_UP_CHANGES
    assert place == [], "it is not told where it stands before it is there"
    world.change(title="meanwhile")
    more, place = told(client)
    assert titles + more == [*map(str, range(5 * CATCH_UP_CHANGES + 1)), "meanwhile"]
    assert place == [RESUMED]
    world.change(title="live")
    assert told(client) == (["live"], [])


def test_who_is_cut_off_while_it_catches_up_goes_on_from_what_it_had() -> None:
    world = World()
    token = lost(world, 3 * CATCH_UP_CHANGES)
    client = back(world, token)
    had, _ = told(client, already=True)
    client.session.answered(client.pings.pop())
    client.session.ended()
    again, place = told(back(world, token))
    assert had + again == [*map(str, range(3 * CATCH_UP_CHANGES))]
    assert place == [RESUMED]


def test_who_returns_slowly_hears_what_comes_after_the_only_other_listener_has_gone() -> None:
    world = World()
    token = lost(world, 1)
    other = world.member(user="user_maria")
    client = back(world, token, lagging=True)
    other.session.ended()
    client.session.rewire(lagging=False)
    assert told(client) == (["0"], [RESUMED])
    world.change(title="after that")
    assert told(client) == (["after that"], [])


def test_who_reads_so_slowly_that_the_rest_is_no_longer_kept_is_told_to_load_again() -> None:
    world = World()
    token = lost(world, 1)
    client = back(world, token, lagging=True)
    world.clock.advance(world.hub.kept_seconds + 1)
    world.hub.prune()
    client.session.rewire(lagging=False)
    assert told(client) == ([], [LOAD_AGAIN])
    world.change(title="live")
    assert told(client) == (["live"], [])


def test_only_so_many_changes_of_a_team_are_kept() -> None:
    world = World()
    token = lost(world, history.MAX_CHANGES + 1)
    client = back(world, token)
    world.clock.advance()
    assert told(client) == ([], [LOAD_AGAIN])


def test_what_was_published_late_is_kept_as_long_as_everything() -> None:
    world = World()
    token = lost(world, 0)
    world.change(title="long on its way", committed_ago=world.hub.kept_seconds + 60)
    world.hub.prune()
    assert told(back(world, token)) == (["long on its way"], [RESUMED])


def test_selections_of_clients_do_not_pile_up_in_what_is_kept() -> None:
    world = World()
    names = ["title", "version", "is_done", "done_at", "created_at", "updated_at"]
    selections = [[one, other] for one in names for other in names if one < other]
    world.member(changes=[{**ALL, "select": selection} for selection in selections])
    change = world.change()
    (kept,) = world.hub.fanout.team(TEAM).history.since(0, 2)
    assert kept.row == change
    assert len(kept._data) <= MAX_SELECTIONS
