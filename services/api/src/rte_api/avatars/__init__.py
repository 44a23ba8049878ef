"""Avatars: a member's own picture, checked by its content and made anew."""
