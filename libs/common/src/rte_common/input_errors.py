"""What is wrong with a request's input, in words that say what to send."""

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel

MAX_SHOWN_CHARACTERS = 60
"""Characters of a value that are repeated to its sender."""

CHOICES = {"enum", "literal_error"}
EXPECTED = {
    "string_type": "a text",
    "string_unicode": "whole characters that UTF-8 can write",
    "string_too_short": "a text that is more than blanks",
    "string_too_long": "a text of at most {max_length} characters",
    "string_pattern_mismatch": "a text that fits {pattern}",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number",
    "greater_than_equal": "a number of at least {ge}",
    "less_than_equal": "a number of at most {le}",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "uuid_parsing": "an id like 0b5e7c1e-3a4f-4c41-9d0a-8f6f2f6f9c11",
    "model_type": "a JSON object",
    "model_attributes_type": "a JSON object",
    "dict_type": "a JSON object",
}
"""Pydantic's kinds of findings, in words for whoever sent the input; what is not here has words of its own."""


@dataclass(frozen=True, slots=True)
class InputError:
    """One finding."""

    pointer: str
    """JSON pointer into the body, else the place and the name, like `query/limit`."""
    expected: str
    got: str | None
    sentence: str

    def member(self) -> dict[str, str]:
        """As clients read it in `errors`."""
        member = {"pointer": self.pointer, "expected": self.expected}
        return member if self.got is None else member | {"got": self.got}


def described(error: Mapping[str, Any], route: Any = None) -> InputError:
    """Pydantic's finding; with the `route` that was asked, unknown names come with what they may have meant."""
    pointer = _pointer(error["loc"])
    name = _named(pointer)
    match error["type"]:
        case "missing":
            return InputError(pointer, "a value: it is required", None, f"Send {name}: it is required")
        case "extra_forbidden":
            known = _known(error["loc"], route)
            return InputError(pointer, f"no such name: {known}", None, f"There is no {name}: {known}")
    expected, got = _expected(error), _words(error["input"])
    if error["type"] == "string_unicode" and not pointer:  # a name that no pointer can write
        return InputError(pointer, expected, got, f"In the names of the body send {expected}, not {got}")
    return InputError(pointer, expected, got, f"As {name} send {expected}, not {got}")


def _named(pointer: str) -> str:
    """What is at the pointer, within a sentence."""
    place, _, name = pointer.partition("/")
    match place:
        case "query":
            return f"query parameter `{name}`"
        case "header":
            return f"header `{name}`"
        case "path":
            return f"`{name}` in the path"
    return f"`{name}` in the body" if name else "the body"


def _expected(error: Mapping[str, Any]) -> str:
    limits: Mapping[str, Any] = error.get("ctx", {})
    if error["type"] in CHOICES:
        return f"one of {limits['expected']}{_meant(error['input'], limits['expected'].split(chr(39))[1::2])}"
    words = EXPECTED.get(error["type"])
    return words.format(**limits) if words else str(error["msg"]).removeprefix("Value error, ")


def _words(value: object) -> str:
    """The value as its sender knows it."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {str(value)[:MAX_SHOWN_CHARACTERS]}"
        case str() if not value.strip():
            return "blanks alone" if value else "an empty text"
        case str() if len(value) > MAX_SHOWN_CHARACTERS:
            return f"a text of {len(value)} characters"
        case str():
            return json.dumps(_printable(value), ensure_ascii=False)
        case list():
            return "a list" if value else "an empty list"
    return "an object" if value else "an empty object"


def _known(loc: tuple[Any, ...], route: Any) -> str:
    known = list(_known_names(loc, route))
    return f"known are {', '.join(known)}{_meant(loc[-1], known)}" if known else "nothing is known by it"


def _meant(given: object, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(given).lower(), known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _known_names(loc: tuple[Any, ...], route: Any) -> Iterator[str]:
    """The names that the route knows beside the one at `loc`."""
    if route is None:
        return
    for field in route.dependant.query_params if loc[0] == "query" else filter(None, [route.body_field]):
        model = _model(field.field_info.annotation)
        for name in loc[1:-1]:
            model = _model(model.model_fields[name].annotation) if model and name in model.model_fields else None
        if model is not None:
            yield from (info.alias or name for name, info in model.model_fields.items())
        elif loc[0] == "query":
            yield field.alias


def _model(annotation: Any) -> type[BaseModel] | None:
    """The model that the annotation allows, if any."""
    kinds = (annotation, *get_args(annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _pointer(loc: tuple[Any, ...]) -> str:
    """FastAPI's location as clients know it: a JSON pointer for the body, `query/limit` for the rest."""
    where, *rest = loc
    path = "/".join(_printable(str(part)).replace("~", "~0").replace("/", "~1") for part in rest)
    return f"/{path}" if where == "body" and path else path if where == "body" else f"{where}/{path}"


def _printable(text: str) -> str:
    """The text without halves of characters, which JSON can carry and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()
