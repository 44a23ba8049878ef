"""A committed change on its way to many sockets, and where clients are that come back for more. Does no I/O."""
