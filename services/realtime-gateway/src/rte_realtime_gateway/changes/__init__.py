"""A committed change on its way to many sockets."""
