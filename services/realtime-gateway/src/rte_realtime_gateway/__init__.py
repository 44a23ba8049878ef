"""Websockets that speak the Supabase Realtime protocol: the official clients work with another address.

main.py         how the process is put together
hub.py          what all clients of this process share
protocol/       the wire, pure: frames, join requests, bindings, filters, changes, server messages
access/         who may do what, how much of it, and who no longer
changes/        a committed change on its way to many sockets; where returning clients are
rooms/          broadcast and presence
clients/        one client: its session, its channels, its messages
broker/         all that speaks NATS
server/         all that speaks HTTP or to sockets
"""
