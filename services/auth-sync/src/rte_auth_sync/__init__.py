"""Clerk's webhooks become users, teams and memberships.

main      the app, and what runs beside it
webhook   signature checked, message kept in NATS: the only thing that Clerk waits for
clerk     Clerk's payloads as we read them
members   what each message changes in the database, whatever the order of arrival
"""
