"""Weekly reports of the team, written by jobs."""
