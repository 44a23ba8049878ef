"""One client: its session, its channels, what it says and what it resumes. Does no I/O."""
