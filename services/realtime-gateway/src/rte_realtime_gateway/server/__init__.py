"""All that speaks HTTP or to sockets."""
