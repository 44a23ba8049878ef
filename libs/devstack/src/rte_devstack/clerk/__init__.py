"""Clerk on one machine: a stand-in that speaks the real service's wire protocol.

tokens      session tokens of the exact v2 shape, and the key set that proves them
objects     users, organizations, memberships and sessions as Clerk writes them
directory   who exists, kept on disk; each change makes a webhook message
webhooks    Svix: signed delivery with its retry schedule
backend     the Backend API calls that we use
control     /devstack/*: make and change members, take tokens, replay webhooks
sign_in     the page where a demo member is chosen
avatars     pictures of who has uploaded none
settings    what the environment must say
app         all of it as one FastAPI application
"""

from rte_devstack.clerk.app import create_app
from rte_devstack.clerk.settings import Settings
from rte_devstack.clerk.tokens import ActiveOrganization, TokenSigner

__all__ = ["ActiveOrganization", "Settings", "TokenSigner", "create_app"]
