"""Scheduled work: the broker says when, the database says once.

main               the app, and what runs beside it
schedule           the broker's schedules, and a slot claimed once
archive            history that grew old leaves the lists
reports            each team's figures of the week
reminders          due soon, overdue, nothing set today
reminder_schedule  reminders at their moment
availability       when a member may be reminded
exports            a member's own data as a file
upkeep             what nobody needs any more goes

statements         the tables' classes as SQL on a transaction's connection
"""
