"""The REST API: what members read and change.

main            create_app: how the process is put together
settings        what the environment must say
wiring          what a request finds in its state
authentication  who is asking: bearer token or session cookie
dependencies    what a route may ask for
responses       rows as JSON
expectations/   publish, change, complete, list
members/        the caller's own profile
"""
