"""`GET /problems/<slug>`: what a problem type means and what to do about it, as a page or as JSON.

The `type` of a problem is a relative address, so it leads here from whatever host answered it.
"""

import json
from html import escape

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from rte_api.html_page import page
from rte_common import problems
from rte_common.problem_types import GROUPS, PROBLEM_TYPES, ProblemType

router = APIRouter(prefix="/problems", include_in_schema=False)
HEADERS = {"cache-control": "public, max-age=300", "vary": "accept"}


@router.get("")
async def index(request: Request) -> Response:
    """Every problem type, by subject."""
    if not _wants_html(request):
        kinds = [{"type": kind.uri, "status": kind.status, "title": kind.title} for kind in PROBLEM_TYPES.values()]
        return JSONResponse({"items": kinds}, headers=HEADERS)
    lists = "".join(f"<h2>{escape(group)}</h2><ul>{''.join(map(_line, kinds))}</ul>" for group, kinds in GROUPS.items())
    intro = "<p>Every error of the API is a JSON object (RFC 9457) whose <code>type</code> is one of these.</p>"
    return page("Problem types", f"<h1>Problem types</h1>{intro}{lists}", headers=HEADERS)


@router.get("/{slug}")
async def read(slug: str, request: Request) -> Response:
    """One problem type."""
    kind = PROBLEM_TYPES.get(slug)
    if kind is None:
        return _unknown(request)
    if _wants_html(request):
        return _page_of(kind)
    body = {
        "type": kind.uri,
        "status": kind.status,
        "title": kind.title,
        "when": kind.when,
        "what_to_do": kind.remedy,
        "example": kind.example(),
    }
    return JSONResponse(body, headers=HEADERS)


def _unknown(request: Request) -> Response:
    detail = "There is no problem type of this name: /problems lists them all"
    if not _wants_html(request):
        return problems.answer(request, "not-found", detail, headers={"vary": "accept"})
    body = '<h1>There is no such problem type</h1><p><a href="/problems">All problem types</a></p>'
    return page("No such problem type", body, 404, {"cache-control": "no-store", "vary": "accept"})


def _page_of(kind: ProblemType) -> HTMLResponse:
    example = escape(json.dumps(kind.example(), indent=2, ensure_ascii=False))
    body = f"""
<p><a href="/problems">Problem types</a></p>
<h1>{escape(kind.title)}</h1>
<p><code>{kind.uri}</code> · status {kind.status}</p>
<h2>When it happens</h2>
<p>{_marked(kind.when)}</p>
<h2>What to do</h2>
<p>{_marked(kind.remedy)}</p>
<h2>Example</h2>
<pre tabindex="0">{example}</pre>
<p>Compare <code>type</code>; the texts may change. <a href="/api/docs">Reference of the API</a></p>"""
    return page(kind.title, body, headers=HEADERS)


def _line(kind: ProblemType) -> str:
    return f'<li><a href="{kind.uri}"><code>{kind.slug}</code></a> {kind.status} · {escape(kind.title)}</li>'


def _marked(text: str) -> str:
    """The text as HTML, with what stands between backticks as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))


def _wants_html(request: Request) -> bool:
    """Whether the caller prefers a page: browsers say so, while curl and `fetch` take anything and get JSON."""
    accepted = dict(map(_preference, request.headers.get("accept", "").split(",")))
    rest = accepted.get("*/*", 0.0)
    as_json = max(accepted.get(kind, rest) for kind in ("application/json", problems.MEDIA_TYPE))
    return accepted.get("text/html", 0.0) >= max(as_json, 0.001)


def _preference(item: str) -> tuple[str, float]:
    kind, *parameters = (part.strip().lower() for part in item.split(";"))
    weights = [parameter[2:] for parameter in parameters if parameter.startswith("q=")]
    try:
        return kind, float(weights[0]) if weights else 1.0
    except ValueError:
        return kind, 0.0
