"""Exports of a member's own data: asked for and read here, made by jobs."""
