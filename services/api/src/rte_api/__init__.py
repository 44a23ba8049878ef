"""The REST API: what members read and change.

main            create_app: how the process is put together
settings        what the environment must say
wiring          what a request finds in its state
admission       before every route: who calls, how often, how long, and what the cache knows
authentication  who is asking: bearer token or session cookie
limits          how often a member may call
cache           answers that a team shares, until its next change
last_known      what teams were on, for when the database is away
dependencies    what a route may ask for
inputs          kinds of input that several calls share
pages           cursors
conditional     ETag, If-Match, If-None-Match
idempotency     Idempotency-Key
responses       rows as JSON
openapi         the OpenAPI document
storage         what Supabase Storage says when it is away
expectations/   publish, change, complete, list
members/        the caller's own profile, and the team
avatars/        the caller's picture
exports/        a member's own data as a file
reports/        the team's weekly figures
"""
