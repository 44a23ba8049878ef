create table teams (
    id text primary key check (id ~ '^[A-Za-z0-9_-]{1,64}$'),
    name text not null,
    slug text,
    clerk_updated_at timestamptz not null default '-infinity',
    deleted_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
comment on table teams is 'Writer: auth-sync. A Clerk organization, or the one team named default';

create table users (
    id text primary key check (id ~ '^[A-Za-z0-9_-]{1,64}$'),
    email text,
    name text not null,
    avatar_url text,
    timezone text not null default 'UTC',
    clerk_updated_at timestamptz not null default '-infinity',
    deleted_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    uploaded_avatar_url text,
    clerk_avatar_url text
);
comment on table users is 'Writer: auth-sync; the member''s own time zone: api';

create table memberships (
    team_id text not null references teams,
    user_id text not null references users,
    role text not null check (role in ('admin', 'member')),
    clerk_updated_at timestamptz not null default '-infinity',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (team_id, user_id)
);
comment on table memberships is 'Writer: auth-sync. Who is in which team now';
create index memberships_by_user on memberships (user_id);

create table membership_tombstones (
    team_id text not null,
    user_id text not null,
    deleted_at timestamptz not null,
    primary key (team_id, user_id)
);
comment on table membership_tombstones is 'Writer: auth-sync. Ended memberships: a late webhook must not bring one back';

create table expectations (
    id uuid primary key default gen_random_uuid(),
    team_id text not null references teams,
    user_id text not null references users,
    title text not null constraint title_length check (char_length(title) between 1 and 500),
    estimated_completion timestamptz,
    is_done boolean not null default false,
    done_at timestamptz,
    archived_at timestamptz,
    version integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint done_has_time check (is_done = (done_at is not null)),
    constraint done_after_created check (done_at >= created_at),
    constraint archived_is_done check (archived_at is null or is_done)
);
comment on table expectations is 'Writer: api; archived_at: jobs; auth-sync withdraws what those who left were on';
create unique index one_active_expectation on expectations (team_id, user_id) where not is_done;
-- Each list has its index: the newest first, by team or by member of the team. What is archived has left the history.
create index expectations_active on expectations (team_id, created_at desc, id desc) where not is_done;
create index expectations_history on expectations (team_id, done_at desc, id desc)
    where is_done and archived_at is null;
create index expectations_history_by_user on expectations (team_id, user_id, done_at desc, id desc)
    where is_done and archived_at is null;
create index expectations_all on expectations (team_id, created_at desc, id desc);
create index expectations_all_by_user on expectations (team_id, user_id, created_at desc, id desc);
create index expectations_to_archive on expectations (done_at) where is_done and archived_at is null;

create table session_revocations (
    session_id text primary key,
    user_id text not null references users,
    created_at timestamptz not null default now()
);
comment on table session_revocations is 'Writer: auth-sync. Sessions that ended before their tokens did';
create index session_revocations_by_age on session_revocations (created_at);

create table outbox (
    id bigint generated always as identity primary key,
    event_id uuid not null,
    subject text not null,
    payload jsonb not null,
    headers jsonb not null default '{}',
    created_at timestamptz not null default now()
);
comment on table outbox is 'Writer: the capture trigger. Emptied by the relay of any service';

create table job_runs (
    job text not null,
    slot timestamptz not null,
    claimed_at timestamptz not null default now(),
    primary key (job, slot)
);
comment on table job_runs is 'Writer: jobs. A row claims that a job did its work for a slot';

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

insert into teams (id, name) values ('default', 'Team');
