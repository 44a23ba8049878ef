"""One line of a log, whoever wrote it: our JSON, Traefik's, PostgreSQL's, NATS's, or anything else.

Nothing here fails on a line that is not as expected: it is then shown as it is.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

LEVELS = {
    **dict.fromkeys(("TRC", "DBG", "TRACE", "DEBUG", "DEBUG1", "DEBUG2", "DEBUG3", "DEBUG4", "DEBUG5"), "debug"),
    **dict.fromkeys(("INF", "INFO", "LOG", "NOTICE"), "info"),
    **dict.fromkeys(("WRN", "WARN", "WARNING"), "warning"),
    **dict.fromkeys(("ERR", "ERROR"), "error"),
    **dict.fromkeys(("FTL", "FATAL", "PANIC", "CRITICAL"), "fatal"),
    **dict.fromkeys(("DETAIL", "HINT", "CONTEXT", "QUERY", "STATEMENT", "LOCATION"), "detail"),
}
"""What each writer calls a level, and what it is called here; "detail" belongs to the line above it."""
POSTGRES = re.compile(r"(?:(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) \w+ \[\d+\] )?([A-Z]+\d?):  (.*)", re.DOTALL)
NATS = re.compile(r"\[\d+\] (\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d+) \[([A-Z]{3})\] (.*)", re.DOTALL)
TOOL = re.compile(r"(?:[\w.-]+: )?(error|fatal error|fatal|panic|hint|detail|warning): .*", re.IGNORECASE | re.DOTALL)
"""What initdb, psql and Go's runtime write."""
NOT_TOLD = ("color_message", "service", "logger", "_record", "_from_structlog")
"""Keys of our lines that say what the part's name says already."""

LONGEST = 10**15
"""Nanoseconds that a request may have taken to be shown: eleven days."""
LOOK_BACK = 20
"""Lines: a program dies of what it said last."""
MAX_LINES = 6
NO_REASONS = re.compile(r"Application startup failed|the database system is (starting up|shutting down)")
"""uvicorn's last line of a failed start only says that there is a reason above it; PostgreSQL tells early clients."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """What a line says. `level` is empty where none is known; `more` is what follows on lines of its own."""

    words: str
    level: str = ""
    time: datetime | None = None
    more: str = ""


def parse(line: str) -> LogLine:
    """Read a line without its end."""
    if line.startswith("{"):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            return LogLine(line)
        told = _of_json(record) if isinstance(record, dict) else LogLine(line)
        return told if told.words or told.more else LogLine(line)
    if (found := POSTGRES.fullmatch(line)) and found[2] in LEVELS:
        level = LEVELS[found[2]]
        words = f"{found[2]}: {found[3]}" if level == "detail" else found[3]
        return LogLine(words, level, _time(f"{found[1]}+00:00"))
    if found := NATS.fullmatch(line):
        return LogLine(found[3], LEVELS.get(found[2], ""), _time(found[1].replace("/", "-")))
    if found := TOOL.fullmatch(line):
        return LogLine(line, LEVELS.get(found[1].upper().removesuffix(" ERROR"), ""))
    return LogLine(line)


def _of_json(record: dict[str, Any]) -> LogLine:
    time, level = _time(record.pop("time", None)), LEVELS.get(str(record.pop("level", "")).upper(), "")
    if "RequestMethod" in record and "DownstreamStatus" in record:
        return LogLine(_of_access(record), level, time)
    heads = [str(record.pop(key)) for key in ("event", "message", "msg") if record.get(key)]
    more = [str(record.pop(key)) for key in ("exception", "stack") if record.get(key)]
    first, *rest = "\n".join(heads).strip().splitlines() or [""]
    keys = [f"{key}={_value(value)}" for key, value in record.items() if key not in NOT_TOLD]
    return LogLine(" ".join(filter(None, [first, *keys])), level, time, "\n".join([*rest, *more]))


def _of_access(record: dict[str, Any]) -> str:
    nanoseconds = record.get("Duration")
    took = f"{nanoseconds / 1e6:.1f} ms" if isinstance(nanoseconds, int) and nanoseconds < LONGEST else ""
    names = ("RequestMethod", "RequestPath", "DownstreamStatus")
    router = str(record.get("RouterName", "")).removesuffix("@file")
    return " ".join(filter(None, [*(str(record.get(name, "")) for name in names), took, router]))


def _value(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r'[^\s"=]+', value):
        return value
    return json.dumps(value, ensure_ascii=False)


def _time(text: object) -> datetime | None:
    """Local time; text without an offset is local already."""
    try:
        return datetime.fromisoformat(str(text)).astimezone()
    except (ValueError, OverflowError):
        return None


def reason(output: str) -> str:
    """Why a program ended, from what it wrote last: the lines that say it, several where they belong together."""
    raw = [line for line in output.splitlines() if line.strip() and not NO_REASONS.search(line)][-LOOK_BACK:]
    lines = [parse(line.strip()) for line in raw]
    if not lines:
        return "nothing was logged"
    return _reason(lines, output) or raw[-1].strip()


def _reason(lines: Sequence[LogLine], output: str) -> str:
    if any(line.level == "fatal" for line in lines):
        return _joined(_telling(lines))
    if not lines[-1].level:
        trace = output.rfind("Traceback (most recent call last)")
        return exception_of(output[trace:]) if trace >= 0 else _joined(lines[-1:])
    errors = [index for index, line in enumerate(lines) if line.level == "error"]
    return _joined(_with_details(lines, errors[-1] if errors else len(lines) - 1))


def _telling(lines: Sequence[LogLine]) -> list[LogLine]:
    """The fatal lines and what led to them: PostgreSQL only logs, as something that happens, that it could not."""
    loud = [i for i, line in enumerate(lines) if line.level in ("fatal", "error") or "could not" in line.words]
    return [line for index in loud for line in _with_details(lines, index)]


def _with_details(lines: Sequence[LogLine], index: int) -> list[LogLine]:
    end = index + 1
    while end < len(lines) and lines[end].level == "detail":
        end += 1
    return list(lines[index:end])


def _joined(lines: Sequence[LogLine]) -> str:
    told = [": ".join(filter(None, [_head(line), exception_of(line.more)])) for line in lines]
    return "\n".join(list(dict.fromkeys(told))[-MAX_LINES:])


def _head(line: LogLine) -> str:
    return "" if line.words.startswith("Traceback") else line.words


def exception_of(trace: str) -> str:
    """What was raised, from the text of a traceback: the lines below the last frame."""
    # The frame of a group's members stands in a box.
    lines = [re.sub(r"^ *\| ", "", line) for line in trace.splitlines() if not re.match(r" *\+[-+]", line)]
    frames = [index for index, line in enumerate(lines) if re.match(r'\s+File "', line)]
    below = lines[frames[-1] + 1 :] if frames else lines
    while frames and below and below[0].startswith(" "):
        below = below[1:]
    # pydantic names the variable on lines of its own; what it was set to is nobody's business.
    told = [re.sub(r" \[type=.*", "", line).strip() for line in below if "For further information" not in line]
    return " ".join(filter(None, told[:MAX_LINES]))
