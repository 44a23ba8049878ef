"""Pictures for who has uploaded none: initials on a colour, always the same for one id."""

from html import escape
from zlib import crc32

from fastapi import APIRouter
from starlette.responses import Response

from rte_devstack.clerk.directory import Directory
from rte_devstack.clerk.objects import full_name

COLOURS = ("#0f766e", "#9a3412", "#1d4ed8", "#86198f", "#4d7c0f", "#be123c", "#4338ca", "#854d0e", "#0369a1", "#6d28d9")
"""Dark enough for white letters."""
HEADERS = {
    "cache-control": "public, max-age=300",
    # Any page may show it, and also read it into a canvas.
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
    "content-security-policy": "default-src 'none'",
    "x-content-type-options": "nosniff",
}
SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="128" height="128" viewBox="0 0 128 128">\
<rect width="128" height="128" fill="{colour}"/>\
<text x="64" y="64" fill="#fff" font-family="system-ui, sans-serif" font-size="50" font-weight="600" \
text-anchor="middle" dominant-baseline="central">{initials}</text></svg>"""


def router(directory: Directory) -> APIRouter:
    """Make the route of the pictures of users and organizations."""
    routes = APIRouter(prefix="/avatars")

    @routes.get("/{id}.svg")
    async def avatar(id: str) -> Response:
        organization = id.startswith("org_")
        name = directory.organization(id)["name"] if organization else full_name(directory.user(id))
        return Response(picture(id, name), media_type="image/svg+xml", headers=HEADERS)

    return routes


def picture(id: str, name: str) -> str:
    """Draw the initials of `name` on the colour of `id`, as SVG."""
    words = name.split()
    initials = "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()
    return SVG.format(colour=COLOURS[crc32(id.encode()) % len(COLOURS)], initials=escape(initials))
