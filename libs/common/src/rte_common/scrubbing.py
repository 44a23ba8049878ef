"""Takes secrets and personal data out of what is logged, in time that grows with the length of the text and no faster.

Foreign text comes this way (paths, headers, messages of errors), so a run of letters that begins like a secret must
not be read again from each of its letters: every pattern begins where a run begins, or takes the run whether it
fits or not.
"""

import re
from typing import Any

MAX_TEXT = 16_384
"""Characters of one text that are logged: a traceback of usual depth."""
SCRUBBED = "[scrubbed]"
SECRET_KEYS = re.compile(r"token|secret|password|authorization|cookie|e-?mail|api_?key|jwt", re.IGNORECASE)
SECRET_TEXT = re.compile(
    r"eyJ[\w-]{16,}+(?:\.[\w-]*+){0,2}"  # JWTs, whole or cut off
    r"|(?:whsec_|sk_test_|sk_live_|sb_secret_)[\w+/=-]*+"
)
USER_INFO = re.compile(r"://[^\s@\"'<>]*+(@?)")
ADDRESS = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]++\.[\w.-]++")


def scrub(value: Any) -> Any:
    """`value` with secrets and addresses replaced, at any depth, and texts cut at MAX_TEXT."""
    if isinstance(value, str):
        return _scrub_text(value)
    if isinstance(value, dict):
        return {key: SCRUBBED if SECRET_KEYS.search(str(key)) else scrub(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [scrub(item) for item in value]
    return value


def _scrub_text(text: str) -> str:
    if len(text) > MAX_TEXT:
        text = f"{text[:MAX_TEXT]}... ({len(text)} characters)"
    if "_" in text or "eyJ" in text:
        text = SECRET_TEXT.sub(SCRUBBED, text)
    if "@" in text:
        text = USER_INFO.sub(lambda found: f"://{SCRUBBED}@" if found[1] else found[0], text)
        text = ADDRESS.sub(SCRUBBED, text)
    return text
