"""The page's Content-Security-Policy: scripts from files alone, and no other host but Clerk's and Storage's."""

from rte_web.settings import Settings

# https://clerk.com/docs/guides/secure/best-practices/csp-headers: the second ones are against bots and fraud.
CHALLENGES = "https://challenges.cloudflare.com"
PROTECT = "https://*.protect.clerk.com"
IMAGES = "https://img.clerk.com"


def content_security_policy(settings: Settings) -> str:
    """The header's value for these settings."""
    stand_in = [settings.clerk_stand_in_url] if settings.clerk_stand_in_url else []
    storage = [settings.supabase_url] if settings.supabase_url else []
    frontend_api, challenges, protect, protect_any_port, images = [], [], [], [], []
    if settings.clerk_host:
        frontend_api, challenges, protect = [f"https://{settings.clerk_host}"], [CHALLENGES], [PROTECT]
        protect_any_port, images = [f"{PROTECT}:*"], [IMAGES]
    directives = {
        "default-src": ["'self'"],
        "script-src": ["'self'", *frontend_api, *challenges, *protect],
        # React Aria and Clerk write styles into elements, and Clerk adds style sheets at run time.
        "style-src": ["'self'", "'unsafe-inline'"],
        # data: and blob: are pictures of members that the page has just cut to size.
        "img-src": ["'self'", "data:", "blob:", *images, *stand_in, *storage],
        # 'self' covers the websocket, too: https://www.w3.org/TR/CSP3/#match-url-to-source-expression
        "connect-src": ["'self'", *frontend_api, *protect_any_port, *stand_in, *storage],
        "frame-src": [*challenges, *protect, *stand_in] or ["'none'"],
        "worker-src": ["'self'", "blob:"],
        "frame-ancestors": ["'none'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'", *frontend_api, *stand_in],
    }
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in directives.items())
