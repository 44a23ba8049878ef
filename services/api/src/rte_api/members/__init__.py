"""Members: the caller's own profile, and the team."""
