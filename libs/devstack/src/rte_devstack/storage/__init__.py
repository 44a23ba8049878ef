"""Supabase Storage on one machine: a stand-in that speaks the HTTP calls we use, files on disk.

Held to what the real server was seen to answer (tests/storage-observed.json). Served under /storage/v1.

access      who asks: keys, user tokens, what the row level security policies allow; signed URLs
errors      refusals in Storage's shape, which are nearly all HTTP 400
store       buckets and objects on disk
buckets     /bucket
uploads     what goes into a bucket, streamed to disk
downloads   what comes out: ranges, ETags, public and signed URLs
signing     signed URLs, for downloads and for uploads
listing     what is in a bucket
changes     move, copy, remove
settings    what the environment must say
app         all of it as one FastAPI application
"""

from rte_devstack.storage.app import create_app
from rte_devstack.storage.settings import Settings

__all__ = ["Settings", "create_app"]
