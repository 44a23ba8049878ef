"""The REST API: what members read and change.

main            create_app: how the process is put together
settings        what the environment must say
state           what a request finds in its state
middleware      before every route: who calls, how often, how long, and what the cache has
authentication  who is asking: bearer token or session cookie
token_refusals  what is wrong with a token, in words
limits          rate limits of a member
request_body    bodies within bounds of size and time
json_body       bodies that are no JSON, in words
cache           responses that a team shares, until its next change
dependencies    what a route may ask for
parameters      parameters that several calls share: times, pages, ids, headers
pagination      cursors
etags           ETag, If-Match, If-None-Match
idempotency     Idempotency-Key
responses       rows as JSON
openapi         the OpenAPI document (openapi.md: its introduction)
docs            /api/docs: Swagger UI without the internet
problem_pages   /problems: what each problem type means
html_page       how such a page looks
storage         what clients are told when Supabase Storage is away
expectations/   publish, change, complete, list; fallback: the list while the database is away
members/        the caller's own profile, and the team
avatars/        the caller's picture
notifications/  what the caller was told
exports/        a member's own data as a file
reports/        the team's weekly figures
"""
