-- Each list has its index: the newest first, by team or by member of the team. What is archived has left the history.
drop index expectations_history, expectations_history_by_user;
create index expectations_history on expectations (team_id, done_at desc, id desc)
    where is_done and archived_at is null;
create index expectations_history_by_user on expectations (team_id, user_id, done_at desc, id desc)
    where is_done and archived_at is null;
create index expectations_all on expectations (team_id, created_at desc, id desc);
create index expectations_all_by_user on expectations (team_id, user_id, created_at desc, id desc);

create table idempotency_keys (
    team_id text not null references teams,
    user_id text not null references users,
    key text not null check (char_length(key) between 1 and 255),
    request bytea not null,
    body bytea,
    location text,
    created_at timestamptz not null default now(),
    primary key (team_id, user_id, key)
);
comment on table idempotency_keys is
    'Writer: api; upkeep: jobs. What a request with an Idempotency-Key was answered, for 24 hours';
create index idempotency_keys_by_age on idempotency_keys (created_at);

create table notification_settings (
    user_id text primary key references users,
    reminders boolean not null default true,
    weekly_report boolean not null default true,
    updated_at timestamptz not null default now()
);
comment on table notification_settings is 'Writer: api. Which mails a member wants; no row: all of them';
create trigger touch before update on notification_settings for each row execute function rte.touch();

create table exports (
    id uuid primary key default gen_random_uuid(),
    team_id text not null references teams,
    user_id text not null references users,
    format text not null check (format in ('csv', 'json')),
    status text not null default 'requested' check (status in ('requested', 'running', 'ready', 'failed')),
    progress smallint not null default 0 check (progress between 0 and 100),
    object_path text,
    finished_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint ready_has_object check ((status = 'ready') = (object_path is not null)),
    constraint ended_has_time check ((status in ('ready', 'failed')) = (finished_at is not null))
);
comment on table exports is
    'Writer: api asks, jobs makes. A member''s own data; object_path is in the bucket exports';
create unique index one_export_at_a_time on exports (team_id, user_id) where status in ('requested', 'running');
create index exports_by_user on exports (team_id, user_id, created_at desc, id desc);
create trigger touch before update on exports for each row execute function rte.touch();

create table reports (
    id uuid primary key default gen_random_uuid(),
    team_id text not null references teams,
    starts_on date not null,
    ends_on date not null,
    figures jsonb not null,
    created_at timestamptz not null default now(),
    constraint report_has_days check (ends_on >= starts_on),
    constraint one_report_per_week unique (team_id, starts_on)
);
comment on table reports is 'Writer: jobs. A team''s week in figures; both days belong to it';

-- A member's uploaded picture wins over Clerk's; without it Clerk's is shown again.
alter table users add uploaded_avatar_url text, add clerk_avatar_url text;
create function rte.choose_avatar() returns trigger language plpgsql set search_path = '' as $$
begin
    if tg_op = 'INSERT' or new.avatar_url is distinct from old.avatar_url then
        new.clerk_avatar_url := new.avatar_url;
    end if;
    new.avatar_url := coalesce(new.uploaded_avatar_url, new.clerk_avatar_url);
    return new;
end $$;
create trigger choose_avatar before insert or update on users for each row execute function rte.choose_avatar();
drop trigger capture_change on users;
create trigger capture_change after insert or update or delete on users for each row
    execute function rte.capture_change('user', '{email,clerk_updated_at,uploaded_avatar_url,clerk_avatar_url}');
update users set clerk_avatar_url = avatar_url; -- after the trigger: no event for it

-- Jobs takes the work from JetStream; that it was asked for is a row, and the row writes the message.
create function rte.request_export() returns trigger language plpgsql security definer set search_path = '' as $$
begin
    insert into public.outbox (event_id, subject, payload, headers) values (
        new.id,
        'rte.jobs.export',
        jsonb_build_object('export_id', new.id, 'team_id', new.team_id),
        '{"Nats-TTL": "168h"}' -- the stream JOBS itself keeps everything
    );
    return null;
end $$;
create trigger request_export after insert on exports for each row execute function rte.request_export();

alter table idempotency_keys enable row level security;
alter table notification_settings enable row level security;
alter table exports enable row level security;
alter table reports enable row level security;

create policy own_keys on idempotency_keys to authenticated
    using (team_id = (select auth.jwt()->'o'->>'id') and user_id = (select auth.jwt()->>'sub'))
    with check (team_id = (select auth.jwt()->'o'->>'id') and user_id = (select auth.jwt()->>'sub'));
create policy own_settings on notification_settings to authenticated
    using (user_id = (select auth.jwt()->>'sub')) with check (user_id = (select auth.jwt()->>'sub'));
create policy own_exports on exports to authenticated
    using (team_id = (select auth.jwt()->'o'->>'id') and user_id = (select auth.jwt()->>'sub'))
    with check (team_id = (select auth.jwt()->'o'->>'id') and user_id = (select auth.jwt()->>'sub'));
create policy own_team on reports for select to authenticated
    using (team_id = (select auth.jwt()->'o'->>'id'));

grant select on idempotency_keys, notification_settings, exports, reports to authenticated;
grant insert (team_id, user_id, key, request), update (request, body, location, created_at)
    on idempotency_keys to authenticated;
grant insert (user_id, reminders, weekly_report), update (reminders, weekly_report)
    on notification_settings to authenticated;
grant insert (team_id, user_id, format) on exports to authenticated;
grant update (uploaded_avatar_url), select (uploaded_avatar_url) on users to authenticated;

create policy works on idempotency_keys to rte_jobs using (true) with check (true);
create policy works on notification_settings for select to rte_jobs using (true);
create policy works on exports to rte_jobs using (true) with check (true);
create policy works on reports to rte_jobs using (true) with check (true);
grant select, delete on idempotency_keys to rte_jobs;
grant select on notification_settings to rte_jobs;
grant select, update, delete on exports to rte_jobs;
grant select, insert on reports to rte_jobs;
