"""Lines of all writers are read, reasons are found, and nothing that a log may hold makes it fail."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rte_devstack.log_lines import LogLine, parse, reason

MOMENT = datetime(2026, 11, 27, 22, 41, 15, 276000, UTC)
PYDANTIC = """Traceback (most recent call last):
  File "/app/main.py", line 3, in <module>
    Settings()
    ~~~~~~~~^^
pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings
database_url
  Field required [type=missing, input_value={'password': 'hunter2'}, input_type=dict]
    For further information visit https://errors.pydantic.dev/2/v/missing
"""
GROUP = """  + Exception Group Traceback (most recent call last):
  |   File "/app/main.py", line 9, in <module>
  |     asyncio.run(main())
  | ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)
  +-+---------------- 1 ----------------
    | Traceback (most recent call last):
    |   File "/app/main.py", line 5, in main
    |     os.environ["NATS_URL"]
    | KeyError: 'NATS_URL'
    +------------------------------------
"""


@pytest.mark.parametrize(
    ("line", "level", "words"),
    [
        (
            '{"event": "job_done", "rows": 0, "job": "a b", "service": "jobs", "level": "info"}',
            "info",
            'job_done rows=0 job="a b"',
        ),
        ("2026-11-27 22:41:15.276 UTC [24410] FATAL:  role is missing", "fatal", "role is missing"),
        ("2026-11-27 22:41:15.276 UTC [24410] HINT:  Make it.", "detail", "HINT: Make it."),
        ("[24395] 2026/11/27 22:41:15.261002 [WRN] Slow", "warning", "Slow"),
        ('{"level":"error","time":"2026-11-27T22:41:15Z","message":"Cannot listen"}', "error", "Cannot listen"),
        (
            '{"RequestMethod":"GET","RequestPath":"/api/v1/me","DownstreamStatus":401,"Duration":3643863,'
            '"RouterName":"api@file","level":"info","msg":""}',
            "info",
            "GET /api/v1/me 401 3.6 ms api",
        ),
        ("initdb: error: could not create directory", "error", "initdb: error: could not create directory"),
        ("anything else", "", "anything else"),
        ("{not json", "", "{not json"),
        ('["a list"]', "", '["a list"]'),
    ],
)  # fmt: skip
def test_a_line_is_read_whoever_wrote_it(line: str, level: str, words: str) -> None:
    found = parse(line)
    assert (found.level, found.words) == (level, words)


@pytest.mark.parametrize(
    "line",
    ['{"event": "x", "time": "2026-11-27T22:41:15.276000Z"}', "2026-11-27 22:41:15.276 UTC [1] LOG:  x"],
)
def test_times_are_local(line: str) -> None:
    time = parse(line).time
    assert time == MOMENT
    assert time.utcoffset() == MOMENT.astimezone().utcoffset()


def test_a_traceback_stays_whole_below_its_line() -> None:
    found = parse(json.dumps({"event": "request_failed", "exception": PYDANTIC, "level": "error"}))
    assert (found.words, found.more) == ("request_failed", PYDANTIC)


TEXT = st.text(alphabet='aZ09{}[]":,=\\ -_.\t\r\x00\x1b\x85é\u202e\ud800', max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=5,
)
KEYS = ("event", "message", "msg", "level", "time", "exception", "RequestMethod", "DownstreamStatus", "Duration", "x")


@given(st.dictionaries(st.sampled_from(KEYS), JSON).map(json.dumps) | TEXT)
def test_no_line_is_too_strange(line: str) -> None:
    assert isinstance(parse(line), LogLine)
    assert reason(line)


@pytest.mark.parametrize(
    "line",
    [
        '{"RequestMethod": 1, "DownstreamStatus": 2, "Duration": 1' + "0" * 400 + "}",
        '{"a":' * 100_000,
        '{"event": "x", "time": "0001-01-01T00:00:00+23:00"}',
        '{"event": "\\ud800"}',
        "9999-99-99 99:99:99.9 UTC [1] LOG:  x",
    ],
)  # fmt: skip
def test_neither_are_these(line: str) -> None:
    assert parse(line).words


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ("", "nothing was logged"),
        ("first\nlast\n\n", "last"),
        ('{"event": "nats_disconnected", "error": "refused", "level": "warning"}\n', "nats_disconnected error=refused"),
        (
            '{"event": "Traceback:\\n  File \\"x\\", line 1\\nKeyError: 1", "level": "error"}\n'
            '{"event": "Application startup failed. Exiting.", "level": "error"}\n',
            "KeyError: 1",
        ),
        ("LOG:  starting\nFATAL:  role is missing\nLOG:  shut down\n", "role is missing"),
        (
            '2026-11-27 22:41:15.276 UTC [1] LOG:  starting\n'
            '2026-11-27 22:41:15.276 UTC [1] LOG:  could not bind IPv4 address "127.0.0.1": Address already in use\n'
            "2026-11-27 22:41:15.276 UTC [1] HINT:  Is another postmaster running?\n"
            "2026-11-27 22:41:15.276 UTC [9] FATAL:  the database system is starting up\n"
            "2026-11-27 22:41:15.276 UTC [1] FATAL:  could not create any TCP/IP sockets\n"
            "2026-11-27 22:41:15.276 UTC [1] LOG:  database system is shut down\n",
            'could not bind IPv4 address "127.0.0.1": Address already in use\n'
            "HINT: Is another postmaster running?\n"
            "could not create any TCP/IP sockets",
        ),
        (
            "[1] 2026/11/27 22:41:15.261002 [INF] Starting nats-server\n"
            "[1] 2026/11/27 22:41:15.261002 [FTL] Can't start JetStream: no space left on device\n"
            "[1] 2026/11/27 22:41:15.261002 [INF] Initiating Shutdown...\n",
            "Can't start JetStream: no space left on device",
        ),
        (
            'The files will belong to "nobody".\n'
            'initdb: error: could not access directory "/root/x": Permission denied\n'
            "initdb: hint: Use another one.\n",
            'initdb: error: could not access directory "/root/x": Permission denied\ninitdb: hint: Use another one.',
        ),
        ("panic: no config\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:7 +0x1d\n", "panic: no config"),
        ('{"event": "old", "level": "error"}\nDATABASE_URL is not set\n', "DATABASE_URL is not set"),
        (
            'Traceback (most recent call last):\n  File "x.py", line 1, in f\n    g()\nKeyError: \'NATS_URL\'\n',
            "KeyError: 'NATS_URL'",
        ),
        (GROUP, "KeyError: 'NATS_URL'"),
        (
            PYDANTIC,
            "pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings database_url Field required",
        ),
    ],
)  # fmt: skip
def test_the_reason_is_the_lines_that_say_it(output: str, why: str) -> None:
    assert reason(output) == why


@pytest.mark.parametrize("output", [PYDANTIC, json.dumps({"event": "x", "exception": PYDANTIC, "level": "error"})])
def test_a_reason_does_not_tell_what_a_variable_was_set_to(output: str) -> None:
    assert "hunter2" not in reason(output)
