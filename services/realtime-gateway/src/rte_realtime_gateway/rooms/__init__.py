"""Broadcast and presence among the channels of one topic. Does no I/O."""
