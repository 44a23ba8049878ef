"""A page for people: plain HTML, light or dark as the reader likes it, without scripts and without other hosts."""

import base64
from collections.abc import Mapping
from hashlib import sha256
from html import escape

from starlette.responses import HTMLResponse

STYLE = """
:root { color-scheme: light dark; --back: #fff; --text: #1b1f24; --soft: #f2f4f7; --link: #0b57d0; }
@media (prefers-color-scheme: dark) { :root { --back: #14171b; --text: #e6e8eb; --soft: #22272e; --link: #8ab4f8; } }
body { margin: 0; background: var(--back); color: var(--text); font: 1rem/1.55 system-ui, sans-serif; }
main { max-width: 46rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 1rem 0; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
a { color: var(--link); }
ul { padding-left: 1.2rem; }
li { margin: .4rem 0; }
code { font: .9em ui-monospace, monospace; background: var(--soft); border-radius: .25rem; padding: .1rem .3rem; }
pre { font: .85rem/1.5 ui-monospace, monospace; background: var(--soft); border-radius: .5rem; padding: 1rem;
  white-space: pre-wrap; }
"""
STYLE_HASH = base64.b64encode(sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; img-src data:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)


def page(title: str, body: str, status: int = 200, headers: Mapping[str, str] | None = None) -> HTMLResponse:
    """The page; `body` is HTML."""
    html = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)} · Remote Teams Expectations</title>
<link rel="icon" href="data:,">
<style>{STYLE}</style>
</head>
<body><main>{body}</main></body>
</html>
"""
    return HTMLResponse(html, status, {**(headers or {}), "content-security-policy": POLICY})
