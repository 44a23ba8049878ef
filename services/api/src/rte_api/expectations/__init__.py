"""Expectations: one active per member and team, then history."""
