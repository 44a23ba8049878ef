"""Clerk's webhooks become users, teams and memberships.

main      the app, and what runs beside it
state     what the webhook finds in its request's state
webhook   signature checked, message kept in NATS: the only thing that Clerk waits for
clerk     Clerk's payloads as we read them
members   what each message changes in the database, whatever the order of arrival
"""
