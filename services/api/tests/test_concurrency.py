"""Two who write at once do not lose each other's work, and a request that is sent twice is done once."""

import asyncio

import asyncpg
import httpx
import pytest

from rte_devstack.testing import Database

from .running import Api, Team, in_hours


@pytest.fixture
async def alex(api: Api, team: Team) -> httpx.AsyncClient:
    return await api.member(team, "alex")


async def test_the_etag_has_the_version_and_if_match_protects_it(alex: httpx.AsyncClient) -> None:
    published = (await alex.post("/expectations", json={"title": "one"})).json()
    url = f"/expectations/{published['id']}"
    read = await alex.get(url)
    known = await alex.get(url, headers={"if-none-match": read.headers["etag"]})
    first = await alex.patch(url, json={"title": "two"}, headers={"if-match": read.headers["etag"]})
    late = await alex.patch(url, json={"title": "three"}, headers={"if-match": read.headers["etag"]})
    weak = await alex.patch(url, json={"title": "three"}, headers={"if-match": f"W/{first.headers['etag']}"})
    any_version = await alex.put(url, json={"title": "three"}, headers={"if-match": "*"})
    deleted = await alex.delete(url, headers={"if-match": read.headers["etag"]})

    assert (known.status_code, known.content, known.headers["etag"]) == (304, b"", read.headers["etag"])
    assert (first.status_code, first.json()["version"]) == (200, 2)
    assert (read.headers["etag"][:3], first.headers["etag"][:3]) == ('"1-', '"2-')
    assert (late.status_code, late.json()["type"], late.json()["version"]) == (412, "/problems/version-mismatch", 2)
    assert (weak.status_code, any_version.status_code, deleted.status_code) == (412, 200, 412)
    assert (await alex.get(url)).json()["title"] == "three"


async def test_the_etag_of_a_change_is_that_of_the_next_reading(alex: httpx.AsyncClient) -> None:
    published = await alex.post("/expectations", json={"title": "one"}, headers={"idempotency-key": "once"})
    url = f"/expectations/{published.json()['id']}"
    seen = [published.headers["etag"], (await alex.get(url)).headers["etag"]]
    for method, path, body in (
        ("PATCH", url, {"title": "two"}),
        ("PUT", url, {"title": "three"}),
        ("POST", f"{url}/complete", None),
    ):
        changed = await alex.request(method, path, json=body)
        seen += [changed.headers["etag"], (await alex.get(url)).headers["etag"]]
    again = await alex.post("/expectations", json={"title": "one"}, headers={"idempotency-key": "once"})

    assert seen[::2] == seen[1::2]
    assert [tag[:3] for tag in seen[::2]] == ['"1-', '"2-', '"3-', '"4-']
    assert (again.headers["idempotency-replayed"], again.headers["etag"]) == ("true", seen[0])


async def test_every_line_of_if_match_counts(alex: httpx.AsyncClient) -> None:
    url = (await alex.post("/expectations", json={"title": "one"})).headers["location"].removeprefix("/api/v1")
    answers = [
        await alex.patch(url, json={"title": "two"}, headers=[("if-match", first), ("if-match", second)])
        for first, second in (('"7"', '"8"'), ('"7"', '"1"'), ('"2"', '"7"'))
    ]

    assert [answer.status_code for answer in answers] == [412, 200, 200]


async def test_a_new_name_is_no_new_version_but_another_answer(alex: httpx.AsyncClient, postgres: Database) -> None:
    published = (await alex.post("/expectations", json={"title": "one"})).json()
    url = f"/expectations/{published['id']}"
    known = {"if-none-match": (await alex.get(url)).headers["etag"]}
    postgres.execute("update users set name = 'Alexandra' where id = 'user_alex'")
    renamed = await alex.get(url, headers=known)

    assert (renamed.status_code, renamed.json()["user"]["name"], renamed.json()["version"]) == (200, "Alexandra", 1)


@pytest.mark.parametrize(
    ("tag", "status"),
    [('"1"', 200), ('"1-0123456789abcdef"', 200), ('"01"', 412), ('"1-x"', 412), ('"1", "7"', 200), ('"7"', 412)],
)
async def test_if_match_takes_the_version_as_it_is_written(alex: httpx.AsyncClient, tag: str, status: int) -> None:
    published = (await alex.post("/expectations", json={"title": "one"})).json()
    url = f"/expectations/{published['id']}"

    assert (await alex.patch(url, json={"title": "two"}, headers={"if-match": tag})).status_code == status


async def test_each_of_several_if_none_match_headers_counts(alex: httpx.AsyncClient) -> None:
    published = (await alex.post("/expectations", json={"title": "one"})).json()
    for path in (f"/expectations/{published['id']}", "/expectations", "/expectations"):
        tag = (await alex.get(path)).headers["etag"]
        for tags in (('"x"', tag), (tag, '"x"'), (f'"x", W/{tag}',)):
            answer = await alex.get(path, headers=[("if-none-match", one) for one in tags])
            assert answer.status_code == 304


async def test_of_many_changes_with_the_same_etag_one_wins(alex: httpx.AsyncClient) -> None:
    published = (await alex.post("/expectations", json={"title": "0"})).json()
    url, headers = f"/expectations/{published['id']}", {"if-match": '"1"'}
    answers = await asyncio.gather(*(alex.patch(url, json={"title": str(n)}, headers=headers) for n in range(1, 9)))

    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
    assert (await alex.get(url)).json()["version"] == 2


async def test_patch_changes_what_it_names_and_put_replaces_all(alex: httpx.AsyncClient) -> None:
    due = in_hours(6)
    published = (await alex.post("/expectations", json={"title": "a", "estimated_completion": due})).json()
    url = f"/expectations/{published['id']}"
    renamed = (await alex.patch(url, json={"title": " b "})).json()
    undated = (await alex.patch(url, json={"estimated_completion": None})).json()
    dated = (await alex.patch(url, json={"estimated_completion": due})).json()
    replaced = (await alex.put(url, json={"title": "c"})).json()

    assert (renamed["title"], renamed["estimated_completion"]) == ("b", published["estimated_completion"])
    assert (undated["title"], undated["estimated_completion"]) == ("b", None)
    assert (dated["title"], dated["estimated_completion"]) == ("b", published["estimated_completion"])
    assert (replaced["title"], replaced["estimated_completion"]) == ("c", None)


async def test_completing_again_changes_nothing(alex: httpx.AsyncClient) -> None:
    published = (await alex.post("/expectations", json={"title": "a"})).json()
    url = f"/expectations/{published['id']}"
    answers = await asyncio.gather(*(alex.post(f"{url}/complete", headers={"if-match": '"1"'}) for _ in range(4)))

    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["version"] == 2


async def test_history_is_never_changed_or_deleted(alex: httpx.AsyncClient) -> None:
    published = (await alex.post("/expectations", json={"title": "a"})).json()
    url = f"/expectations/{published['id']}"
    await alex.post(f"{url}/complete")
    answers = [
        await alex.patch(url, json={"title": "b"}),
        await alex.put(url, json={"title": "b"}),
        await alex.delete(url),
    ]

    for answer in answers:
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/expectation-is-history")


async def test_a_request_sent_again_is_answered_again(alex: httpx.AsyncClient, postgres: Database) -> None:
    new, headers = {"title": "once"}, {"idempotency-key": "k1"}
    first = await alex.post("/expectations", json=new, headers=headers)
    # Even when the state has moved on, the same request has the same answer.
    await alex.post(f"/expectations/{first.json()['id']}/complete")
    again = await alex.post("/expectations", json=new, headers=headers)
    other = await alex.post("/expectations", json={"title": "another"}, headers=headers)

    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert (again.headers["location"], again.headers["idempotency-replayed"]) == (first.headers["location"], "true")
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert postgres.execute("select count(*) from expectations") == "1"


async def test_the_same_request_eight_times_at_once_is_done_once(alex: httpx.AsyncClient, postgres: Database) -> None:
    answers = await asyncio.gather(
        *(alex.post("/expectations", json={"title": "once"}, headers={"idempotency-key": "k1"}) for _ in range(8))
    )

    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 7
    assert postgres.execute("select count(*) from expectations") == "1"


async def test_a_key_belongs_to_its_member_and_lasts_a_day(
    api: Api, alex: httpx.AsyncClient, team: Team, postgres: Database
) -> None:
    maria = await api.member(team, "maria")
    headers = {"idempotency-key": "k1"}
    first = await alex.post("/expectations", json={"title": "a"}, headers=headers)
    of_maria = await maria.post("/expectations", json={"title": "b"}, headers=headers)
    connection = await asyncpg.connect(postgres.url())
    await connection.execute("update idempotency_keys set created_at = now() - interval '24 h 1 s'")
    await connection.close()
    await alex.delete(f"/expectations/{first.json()['id']}")
    next_day = await alex.post("/expectations", json={"title": "c"}, headers=headers)

    assert (of_maria.status_code, of_maria.json()["title"]) == (201, "b")
    assert (next_day.status_code, next_day.json()["title"]) == (201, "c")


async def test_a_refused_request_may_be_sent_again_with_its_key(alex: httpx.AsyncClient) -> None:
    first = (await alex.post("/expectations", json={"title": "a"})).json()
    headers = {"idempotency-key": "k2"}
    refused = await alex.post("/expectations", json={"title": "b"}, headers=headers)
    await alex.post(f"/expectations/{first['id']}/complete")
    accepted = await alex.post("/expectations", json={"title": "b"}, headers=headers)

    assert (refused.status_code, accepted.status_code) == (409, 201)
