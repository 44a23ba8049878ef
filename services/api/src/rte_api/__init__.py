"""The REST API: what members read and change.

main            create_app: how the process is put together
settings        what the environment must say
wiring          what a request finds in its state
admission       before every route: who calls, how often, how long, and what the cache knows
authentication  who is asking: bearer token or session cookie
token_refusals  what is wrong with a token, in words
limits          how often a member may call
cache           answers that a team shares, until its next change
last_known      what teams were on, for when the database is away
dependencies    what a route may ask for
json_body       bodies that are no JSON, in words
inputs          kinds of input that several calls share
pages           cursors
conditional     ETag, If-Match, If-None-Match
idempotency     Idempotency-Key
responses       rows as JSON
openapi         the OpenAPI document (openapi.md: its introduction)
docs            /api/docs: Swagger UI without the internet
problem_pages   /problems: what each problem type means
page            how such a page looks
storage         what Supabase Storage says when it is away
expectations/   publish, change, complete, list
members/        the caller's own profile, and the team
avatars/        the caller's picture
exports/        a member's own data as a file
reports/        the team's weekly figures
"""
