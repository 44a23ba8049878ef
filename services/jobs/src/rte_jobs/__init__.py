"""Scheduled work: the broker says when, the database says once.

main      the app, and what runs beside it
schedule  the broker's schedules, and a slot claimed once
archive   history that grew old leaves the lists
"""
