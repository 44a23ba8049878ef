revoke select (timezone) on users from rte_jobs;
revoke select (team_id, user_id, created_at) on memberships from rte_jobs;
drop policy works on memberships;
drop table notifications;
drop view rte.member_settings;
revoke usage on schema rte from rte_jobs;
alter table notification_settings
    drop column remind_before_minutes, drop column quiet_start, drop column quiet_end, drop column days,
    drop column nothing_set_at;
comment on table notification_settings is 'Writer: api. Which mails a member wants; no row: all of them';
