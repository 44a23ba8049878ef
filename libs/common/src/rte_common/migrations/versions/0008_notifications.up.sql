alter table notification_settings
    add column remind_before_minutes smallint default 30 check (remind_before_minutes between 1 and 1440),
    add column quiet_start time,
    add column quiet_end time,
    add column days text[] not null default '{mon,tue,wed,thu,fri}',
    add column nothing_set_at time default '10:00',
    add constraint quiet_hours_have_both_ends check ((quiet_start is null) = (quiet_end is null)),
    add constraint quiet_hours_end check (quiet_start <> quiet_end),
    add constraint days_of_the_week check (days <@ '{mon,tue,wed,thu,fri,sat,sun}' and days <> '{}');
comment on table notification_settings is
    'Writer: api. What a member wants to be told, and when, in their time zone; no row: the defaults';
grant insert (remind_before_minutes, quiet_start, quiet_end, days, nothing_set_at),
    update (remind_before_minutes, quiet_start, quiet_end, days, nothing_set_at)
    on notification_settings to authenticated;

-- The defaults again, for who has no row. A null in a row is a choice: not to be told.
create view rte.member_settings with (security_invoker = true) as
    select u.id as user_id, u.timezone,
        coalesce(n.reminders, true) as reminders, coalesce(n.weekly_report, true) as weekly_report,
        case when n.user_id is null then 30 else n.remind_before_minutes end as remind_before_minutes,
        n.quiet_start, n.quiet_end,
        coalesce(n.days, '{mon,tue,wed,thu,fri}') as days,
        case when n.user_id is null then time '10:00' else n.nothing_set_at end as nothing_set_at
    from public.users u left join public.notification_settings n on n.user_id = u.id;
comment on view rte.member_settings is 'What each member wants to be told, and when, for who may read it';
grant select on rte.member_settings to authenticated, rte_jobs;
grant usage on schema rte to rte_jobs;

create table notifications (
    id uuid primary key default gen_random_uuid(),
    team_id text not null references teams,
    user_id text not null references users,
    kind text not null check (kind in ('due-soon', 'overdue', 'nothing-set')),
    expectation_id uuid references expectations on delete set null,
    title text,
    estimated_completion timestamptz,
    day date,
    created_at timestamptz not null default now(),
    read_at timestamptz,
    constraint told_once_of_an_expectation unique (expectation_id, user_id, kind),
    constraint told_once_a_day unique (user_id, team_id, kind, day),
    constraint notification_has_subject check (
        case when kind = 'nothing-set' then day is not null and title is null else title is not null end
    )
);
comment on table notifications is
    'Writer: jobs; read_at: api. What a member was told; title and estimate are as they were then';
create index notifications_by_user on notifications (team_id, user_id, created_at desc, id desc);
create index notifications_unread on notifications (team_id, user_id) where read_at is null;
create index notifications_by_age on notifications (created_at);
-- That it was read is no event.
create trigger capture_change after insert on notifications
    for each row execute function rte.capture_change('notification', '{day,read_at}');

alter table notifications enable row level security;
create policy own_notifications_read on notifications for select to authenticated
    using (team_id = (select auth.jwt()->'o'->>'id') and user_id = (select auth.jwt()->>'sub'));
create policy own_notifications_change on notifications for update to authenticated
    using (team_id = (select auth.jwt()->'o'->>'id') and user_id = (select auth.jwt()->>'sub'));
grant select on notifications to authenticated;
grant update (read_at) on notifications to authenticated;

create policy works on notifications to rte_jobs using (true) with check (true);
grant select, insert, delete on notifications to rte_jobs;
create policy works on memberships for select to rte_jobs using (true);
grant select (team_id, user_id, created_at) on memberships to rte_jobs;
grant select (timezone) on users to rte_jobs;
