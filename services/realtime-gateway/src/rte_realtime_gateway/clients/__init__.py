"""One client: its session, its channels and what they resume."""
