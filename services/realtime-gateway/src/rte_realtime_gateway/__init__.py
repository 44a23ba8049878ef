"""Websockets that speak the Supabase Realtime protocol: the official clients work with another address.

protocol/       the wire, pure: frames, join requests, bindings, filters, server messages
session.py      one client: what its frames mean; channel.py is one topic it joined
hub.py          who listens to what; audience.py writes changes to many sockets at once, room.py broadcasts and presence
feed.py         JetStream -> hub, in order and without gaps; store.py the same for persisted broadcasts
announcements.py  what the system tells members on their own channels
replicas.py     what gateways tell each other: presence, broadcasts; positions.py where returning clients are
socket.py       the asyncio protocol between uvicorn's listener and a session
main.py         how the process is put together
"""
