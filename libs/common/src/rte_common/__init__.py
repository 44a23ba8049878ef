"""What at least two services use; each module is one noun.

settings   what the environment must say, one mixin per dependency
database_url   a database's address as platforms write it, made one that asyncpg takes
clerk_key  Clerk's public key as variables carry it
origins    origins of pages, in the one spelling that browsers send
timezones  the names of time zones that are taken
process    run a service: settings, logs, metrics port, drain on SIGTERM, /health and /ready
connections  how many clients may be connected at once
scrubbing  takes secrets and personal data out of what is logged
telemetry  JSON logs, request context and metrics, traces
problems   errors as RFC 9457 problem+json
problem_types/ every type of problem, in words: the one catalogue
input_errors   what is wrong with a request's input, in words
auth       Clerk session token -> Member
database   the connection pool, and the member a transaction acts for (row level security)
tables     every table as an SQLModel class, with its writer: for who depends on rte-common[tables]
events     every event that crosses NATS, and its subject
outbox     the relay: committed rows -> JetStream (triggers write the rows, see migrations)
nats_client    nats-py's client, with what is not mended there yet
jetstream  connect, declare the streams, consume with retry and dead letter
storage    Supabase Storage: the client, and the names of the buckets
buckets    make the buckets, or put their settings right
visible_text   text that people read: whether it shows anything, and without what turns the line round
reports    the figures of a team's week
migrate    bring a database to the newest schema (migrations/versions/*.sql)
"""
