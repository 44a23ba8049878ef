"""Notifications: what a member was told; written by jobs, listed and marked as read here."""
