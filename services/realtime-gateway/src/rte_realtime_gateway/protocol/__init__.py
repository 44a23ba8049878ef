"""The Supabase Realtime protocol as pure functions and values: nothing here does I/O or knows who is connected.

Sources: the Supabase docs page "Realtime Protocol", Phoenix' V1 and V2 JSON serializers, and the official clients
`@supabase/realtime-js` (npm) and `realtime` (PyPI), which are the judges of what works.
"""
