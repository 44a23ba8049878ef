"""Rooms: broadcast and presence among the members of a topic."""
