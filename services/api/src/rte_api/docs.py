"""`/api/docs`: Swagger UI, whose files are served from here, so that the page works without the internet."""

from importlib.metadata import version
from importlib.resources import files

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

PATH = "/api/docs"
ASSETS = f"{PATH}/assets/{version('fastapi-swagger')}"
"""Path of the page's files, which names their version, so that browsers may keep them for ever."""
FOR_EVER = "public, max-age=31536000, immutable"
MEDIA_TYPES = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}
# React and CodeMirror write styles into elements; scripts come from files alone.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Reference of the API · Remote Teams Expectations</title>
<link rel="icon" type="image/png" href="{ASSETS}/favicon-32x32.png">
<link rel="stylesheet" href="{ASSETS}/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript; the document is at <a href="/api/openapi.json">/api/openapi.json</a>.</noscript>
<script src="{ASSETS}/swagger-ui-bundle.js"></script>
<script src="{PATH}/start.js"></script>
</body>
</html>
"""
START = """SwaggerUIBundle({
  url: "/api/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  defaultModelsExpandDepth: 0,
  // The badge would send the document's address to another host.
  validatorUrl: "none",
});
"""

router = APIRouter(include_in_schema=False)


@router.get("/api")
async def front() -> Response:
    """Lead to the page."""
    return RedirectResponse(PATH, 307)


@router.get(PATH)
async def page() -> Response:
    """The page."""
    return HTMLResponse(PAGE, headers={"content-security-policy": POLICY, "cache-control": "no-cache"})


@router.get(f"{PATH}/start.js")
async def start() -> Response:
    """What starts Swagger UI: a file of its own, because the policy allows no script in the page."""
    return Response(START, media_type="text/javascript", headers={"cache-control": "no-cache"})


@router.get(f"{ASSETS}/{{name}}")
async def asset(name: str) -> Response:
    """A file of Swagger UI."""
    if name not in MEDIA_TYPES:
        raise HTTPException(404, f"The page at {PATH} has no such file")
    body = (files("fastapi_swagger.resources") / name).read_bytes()
    return Response(body, media_type=MEDIA_TYPES[name], headers={"cache-control": FOR_EVER})
