"""Patterns of filters: LIKE and regular expressions as Postgres means them, run by RE2.

RE2 takes linear time: a client's pattern must not be able to hold up everybody else. What it cannot express
(backreferences, looking ahead or behind, the beginning and end of words) is refused.
"""

import re
from collections.abc import Callable

import re2

MAX_PATTERN_BYTES = 1 << 16
"""Memory of one compiled pattern. Compiling it takes less than a millisecond; with a megabyte it took twenty."""
WORD, SPACE = r"\p{L}\p{N}_", r"\p{Z}\t-\r"
CLASSES = {
    "[:alpha:]": r"\p{L}",
    "[:alnum:]": r"\p{L}\p{N}",
    "[:upper:]": r"\p{Lu}",
    "[:lower:]": r"\p{Ll}",
    "[:space:]": SPACE,
}
"""Classes of characters that are of all languages in Postgres, and of English only in RE2."""
ESCAPES = {
    r"\w": f"[{WORD}]",
    r"\W": f"[^{WORD}]",
    r"\s": f"[{SPACE}]",
    r"\S": f"[^{SPACE}]",
    r"\y": r"\b",
    r"\Y": r"\B",
    r"\b": r"\x08",
    r"\B": r"\\",
    r"\Z": r"\z",
    r"\e": r"\x1b",
}
INNER_ESCAPES = {r"\w": WORD, r"\s": SPACE, r"\b": r"\x08", r"\B": r"\\", r"\e": r"\x1b"}
"""Escapes within brackets."""
REFUSED = {
    r"\m": "beginnings of words",
    r"\M": "ends of words",
    **{f"\\{digit}": "backreferences" for digit in "123456789"},
}

Matches = Callable[[str], bool]


class BadPattern(ValueError):
    """Pattern that cannot be used; the text says why."""


def like(pattern: str, *, ignore_case: bool) -> Matches:
    """Function that says whether a whole text is like the pattern; raises BadPattern."""
    expression = ""
    characters = iter(_lower(pattern) if ignore_case else pattern)
    for character in characters:
        match character:
            case "%":
                expression += ".*"
            case "_":
                expression += "."
            case "\\":
                literal = next(characters, None)
                if literal is None:
                    raise BadPattern("a pattern does not end with a backslash")
                expression += re2.escape(literal)
            case _:
                expression += re2.escape(character)
    search = _compiled(rf"\A{expression}\z", ignore_case=False)
    return (lambda text: search(_lower(text))) if ignore_case else search


def _lower(text: str) -> str:
    """Small letters, one for each: `str.lower` makes two of some, and knows the end of a Greek word."""
    return "".join(character.lower()[0] for character in text)


def regular(pattern: str, *, ignore_case: bool) -> Matches:
    """Function that says whether the regular expression is found in a text; raises BadPattern."""
    if pattern.startswith("***"):
        raise BadPattern("directors (***) are not supported")
    return _compiled(_translated(pattern), ignore_case=ignore_case)


def _translated(pattern: str) -> str:
    """The pattern in RE2's words."""
    translated, in_brackets, position, before = "", False, 0, "^"
    while found := (INNER if in_brackets else OUTER).match(pattern, position):
        token, position = found[0], found.end()
        if token in REFUSED and not in_brackets:
            raise BadPattern(f"{REFUSED[token]} ({token}) are not supported")
        if in_brackets:
            in_brackets = token != "]"  # noqa: S105
            translated += INNER_ESCAPES.get(token, CLASSES.get(token, token))
        else:
            if token in QUANTIFIERS and before in PLACES:
                raise BadPattern(f"bad pattern: nothing to repeat before {token}")
            before = token
            in_brackets = token.startswith("[")
            # A bracket that comes first within brackets is one of the characters.
            translated += token.replace("]", r"\]") if in_brackets else ESCAPES.get(token, token)
    return translated


QUANTIFIERS = frozenset("*+?")
PLACES = frozenset({"^", "$", r"\A", r"\Z", r"\y", r"\Y"})
"""Parts of a pattern that match a place, no text."""
OUTER = re.compile(r"\\.|\[\^?\]?|.", re.DOTALL)
INNER = re.compile(r"\\.|\[:\w+:\]|.", re.DOTALL)


def _compiled(pattern: str, *, ignore_case: bool) -> Matches:
    options = re2.Options()
    options.case_sensitive = not ignore_case
    options.dot_nl = True
    options.log_errors = False
    options.max_mem = MAX_PATTERN_BYTES
    try:
        expression = re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0]
        raise BadPattern(f"bad pattern: {reason.decode() if isinstance(reason, bytes) else reason}") from None
    return lambda text: expression.search(text) is not None
