"""Who may do what, how much of it, from when, and who no longer."""
