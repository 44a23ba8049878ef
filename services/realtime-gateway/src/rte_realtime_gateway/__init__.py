"""Websockets that speak the Supabase Realtime protocol: the official clients work with another address.

A layer imports only what is below it (contracts in pyproject.toml); only `broker` knows NATS, only `server` HTTP and
sockets, and what lies between does no I/O.

main.py           every object in its order, by its constructor
server/           HTTP and websockets
    socket.py           bytes between uvicorn's listener and a session; slow and fast clients
    handshake.py        which origins may connect, and whether messages are compressed
    compression.py      frames deflated once for many sockets
    http_broadcast.py   broadcasts over HTTP, for clients that are not joined
    upkeep.py           deadlines, pruning, the drain, and what is handed over at the end
    workers.py          several processes on one port
    state.py            what sockets and routes share
broker/           NATS
    change_feed.py      committed changes, ended sign-ins and announcements, to the hub
    ordered_consumer.py a stream's messages once and in order, across broker restarts
    key_value.py        a key-value store that the peers follow
    shared_positions.py where returning clients are, known to all peers
    shared_presence.py  who is present, known to all peers
    broadcast_relay.py  broadcasts to the peers and from them
    replay_stream.py    kept broadcasts, stored and read
clients/          one client
    session.py          one websocket: what its frames mean
    channel.py          one topic that it joined: token, join, end
    client_messages.py  what it says on a channel: broadcasts and presence
    resume.py           what it missed while it was away
    writer.py           what it is sent, and what waits until it has read more
hub.py            joins what all clients share
changes/          a committed change on its way to many sockets
    fanout.py           each change once and in order to whoever wants it; shared writes
    audience.py         channels that want the same, for whom a change is encoded once
    history.py          recent changes of a team
    positions.py        up to where each client had everything
    acknowledgements.py pings that ask what has arrived
rooms/            broadcast and presence
    rooms.py            who hears whose broadcasts, and sees who is present
    presence.py         entries and diffs of one room
    replay.py           kept broadcasts, for who joins later
    announcements.py    broadcasts of the system
access/           who may do what
    authorization.py    which member may listen to which channel, and write to it
    token_gate.py       the check of tokens
    revocations.py      members and sign-ins that are thrown out
    limits.py           how much a socket, a member and a team may ask for
    readiness.py        from when clients may join
ports.py          what the shared parts see of a client and its channels
protocol/         the wire, pure
    frames.py           websocket messages of both versions
    json_text.py        JSON as it was sent
    join.py             join requests
    bindings.py         which changes a join asks for
    filters.py          filters of rows
    cells.py            values of filters and rows, as Postgres reads them
    patterns.py         LIKE and regular expressions, as Postgres means them
    changes.py          a change as clients see it
    tables.py           published tables and their columns
    messages.py         what the server says, and the codes with which it closes
settings.py       what the environment must say
metrics.py        what is counted
"""
