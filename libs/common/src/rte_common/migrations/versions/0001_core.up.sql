-- What Supabase already has is left alone; a plain Postgres gets the same roles and auth.jwt().
do $$
declare
    wanted record;
begin
    for wanted in
        select * from (values
            ('anon', 'nologin noinherit'),
            ('authenticated', 'nologin noinherit'),
            ('service_role', 'nologin noinherit bypassrls'),
            -- One login role per service. Whoever deploys gives them LOGIN and a password; nothing here knows one.
            ('rte_api', 'nologin noinherit'),
            ('rte_auth_sync', 'nologin noinherit'),
            ('rte_jobs', 'nologin noinherit')
        ) as roles (name, attributes)
    loop
        if not exists (select from pg_roles where rolname = wanted.name) then
            execute format('create role %I %s', wanted.name, wanted.attributes);
        end if;
    end loop;
    if to_regprocedure('auth.jwt()') is null then
        create schema if not exists auth;
        create function auth.jwt() returns jsonb language sql stable as
            $f$ select nullif(current_setting('request.jwt.claims', true), '')::jsonb $f$;
        comment on function auth.jwt() is 'created by remote-teams-expectations';
        grant usage on schema auth to anon, authenticated, service_role;
    end if;
end $$;

grant authenticated to rte_api;
grant usage on schema public to authenticated, rte_api, rte_auth_sync, rte_jobs;
-- Helpers live outside the schema that Supabase's Data API exposes.
grant usage on schema rte to authenticated;

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
    updated_at timestamptz not null default now()
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
create index expectations_active on expectations (team_id, created_at desc, id desc) where not is_done;
create index expectations_history on expectations (team_id, done_at desc, id desc) where is_done;
create index expectations_history_by_user on expectations (team_id, user_id, done_at desc, id desc) where is_done;
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

insert into teams (id, name) values ('default', 'Team');

-- Rules that a constraint cannot say. The constraint names are what the API translates.
create function rte.check_expectation() returns trigger language plpgsql set search_path = '' as $$
begin
    if tg_op = 'DELETE' then
        if old.is_done then
            raise check_violation using constraint = 'expectation_is_history',
                message = 'a completed expectation is history and cannot be deleted';
        end if;
        return old;
    end if;
    new.title := btrim(new.title, E' \t\r\n');
    if tg_op = 'INSERT' then
        new.version := 1;
    else
        if old.is_done and (new.title, new.estimated_completion, new.is_done, new.done_at)
            is distinct from (old.title, old.estimated_completion, old.is_done, old.done_at)
            or old.archived_at is not null and new.archived_at is distinct from old.archived_at then
            raise check_violation using constraint = 'expectation_is_history',
                message = 'a completed expectation is history: only archived_at may still be set';
        end if;
        if (new.id, new.team_id, new.user_id, new.created_at)
            is distinct from (old.id, old.team_id, old.user_id, old.created_at) then
            raise check_violation using constraint = 'expectation_keeps_its_owner',
                message = 'id, team, user and time of creation of an expectation never change';
        end if;
        new.version := old.version + 1;
        new.updated_at := now();
    end if;
    if not new.is_done and new.estimated_completion <= now()
        and (tg_op = 'INSERT' or new.estimated_completion is distinct from old.estimated_completion) then
        raise check_violation using constraint = 'estimated_completion_in_future',
            message = 'estimated_completion must be in the future';
    end if;
    return new;
end $$;
create trigger check_expectation before insert or update or delete on expectations
    for each row execute function rte.check_expectation();

create function rte.touch() returns trigger language plpgsql set search_path = '' as $$
begin
    new.updated_at := now();
    return new;
end $$;
create trigger touch before update on users for each row execute function rte.touch();
create trigger touch before update on teams for each row execute function rte.touch();
create trigger touch before update on memberships for each row execute function rte.touch();

-- Change data capture: one outbox row per row change, in the same transaction, whoever changes the row.
-- Arguments: the entity, then the columns that events never show. Changes of a user go to each team of the user.
create function rte.capture_change() returns trigger
language plpgsql security definer set search_path = '' set timezone = 'UTC' as $$
declare
    entity constant text := tg_argv[0];
    hidden constant text[] := tg_argv[1]::text[];
    after constant jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) - hidden end;
    before constant jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) - hidden end;
    row constant jsonb := coalesce(after, before);
    verb constant text := case
        when tg_table_name = 'session_revocations' then 'revoked'
        when tg_op = 'INSERT' then 'created'
        when tg_op = 'DELETE' then 'deleted'
        when before->>'deleted_at' is null and after->>'deleted_at' is not null then 'deleted'
        when before->>'is_done' = 'false' and after->>'is_done' = 'true' then 'completed'
        when before->>'archived_at' is null and after->>'archived_at' is not null then 'archived'
        else 'updated'
    end;
    member constant text := coalesce(row->>'user_id', row->>'id');
    traceparent constant text := nullif(current_setting('rte.traceparent', true), '');
    team text;
    event uuid;
begin
    if tg_op = 'UPDATE' and after - 'updated_at' = before - 'updated_at' then
        return null; -- only hidden columns changed
    end if;
    for team in
        select row->>'team_id' where row ? 'team_id'
        union all
        select m.team_id from public.memberships m where m.user_id = member and not row ? 'team_id'
    loop
        event := gen_random_uuid();
        insert into public.outbox (event_id, subject, payload, headers) values (
            event,
            concat_ws('.', 'rte.events', entity, verb, team, member),
            jsonb_build_object(
                'id', event,
                'type', entity || '.' || verb || '.v1',
                'occurred_at', clock_timestamp(),
                'actor_id', auth.jwt()->>'sub',
                'team_id', team,
                'user_id', member,
                'table', tg_table_name,
                'change', tg_op,
                'record', after,
                'old_record', before
            ),
            jsonb_strip_nulls(jsonb_build_object('traceparent', traceparent))
        );
    end loop;
    return null;
end $$;
create trigger capture_change after insert or update or delete on expectations
    for each row execute function rte.capture_change('expectation', '{}');
create trigger capture_change after insert or update or delete on users
    for each row execute function rte.capture_change('user', '{email,clerk_updated_at}');
create trigger capture_change after insert or update or delete on memberships
    for each row execute function rte.capture_change('membership', '{clerk_updated_at}');
create trigger capture_change after insert on session_revocations
    for each row execute function rte.capture_change('session', '{}');

-- Row level security. The team is the token's active organization (claim o of Clerk's v2 token); in single-team mode
-- the api fills it in. The role is the token's; a token that says none is looked up.
create function rte.is_team_admin() returns boolean language sql stable security definer set search_path = '' as $$
    select coalesce(
        auth.jwt()->'o'->>'rol' = 'admin',
        exists (
            select from public.memberships m
            where m.team_id = auth.jwt()->'o'->>'id' and m.user_id = auth.jwt()->>'sub' and m.role = 'admin'
        )
    )
$$;
revoke all on function rte.is_team_admin() from public;
grant execute on function rte.is_team_admin() to authenticated;

alter table teams enable row level security;
alter table users enable row level security;
alter table memberships enable row level security;
alter table membership_tombstones enable row level security;
alter table expectations enable row level security;
alter table session_revocations enable row level security;
alter table outbox enable row level security;
alter table job_runs enable row level security;

create policy own_team on teams for select to authenticated
    using (id = (select auth.jwt()->'o'->>'id'));
create policy own_team on memberships for select to authenticated
    using (team_id = (select auth.jwt()->'o'->>'id'));
-- Whoever left the team keeps a name in its history.
create policy own_team on users for select to authenticated using (
    id = (select auth.jwt()->>'sub')
    or exists (
        select from memberships m where m.team_id = (select auth.jwt()->'o'->>'id') and m.user_id = users.id
    )
    or exists (
        select from expectations e where e.team_id = (select auth.jwt()->'o'->>'id') and e.user_id = users.id
    )
);
create policy own_row on users for update to authenticated
    using (id = (select auth.jwt()->>'sub')) with check (id = (select auth.jwt()->>'sub'));

create policy own_team_reads on expectations for select to authenticated
    using (team_id = (select auth.jwt()->'o'->>'id'));
create policy owner_publishes on expectations for insert to authenticated
    with check (team_id = (select auth.jwt()->'o'->>'id') and user_id = (select auth.jwt()->>'sub'));
create policy owner_or_admin_changes on expectations for update to authenticated
    using (
        team_id = (select auth.jwt()->'o'->>'id')
        and (user_id = (select auth.jwt()->>'sub') or (select rte.is_team_admin()))
    );
create policy owner_or_admin_deletes on expectations for delete to authenticated
    using (
        team_id = (select auth.jwt()->'o'->>'id')
        and (user_id = (select auth.jwt()->>'sub') or (select rte.is_team_admin()))
    );

-- Since October 2026 Supabase grants nothing on new tables by itself.
grant select on teams, memberships, expectations to authenticated;
grant select (id, name, avatar_url, timezone, deleted_at, created_at, updated_at) on users to authenticated;
grant update (timezone) on users to authenticated;
grant insert (team_id, user_id, title, estimated_completion) on expectations to authenticated;
grant update (title, estimated_completion, is_done, done_at) on expectations to authenticated;
grant delete on expectations to authenticated;

create policy relays on outbox to rte_api, rte_auth_sync, rte_jobs using (true);
grant select, delete on outbox to rte_api, rte_auth_sync, rte_jobs;

create policy syncs on users to rte_auth_sync using (true) with check (true);
create policy syncs on teams to rte_auth_sync using (true) with check (true);
create policy syncs on memberships to rte_auth_sync using (true) with check (true);
create policy syncs on membership_tombstones to rte_auth_sync using (true) with check (true);
grant select, insert, update on users, teams, membership_tombstones to rte_auth_sync;
grant select, insert, update, delete on memberships to rte_auth_sync;
create policy syncs on session_revocations to rte_auth_sync using (true) with check (true);
grant select, insert on session_revocations to rte_auth_sync;
-- Who left the team is not on anything there any more.
create policy withdraws on expectations to rte_auth_sync using (not is_done);
grant select, delete on expectations to rte_auth_sync;

create policy works on expectations to rte_jobs using (true) with check (true);
create policy works on job_runs to rte_jobs using (true) with check (true);
grant select on expectations to rte_jobs;
grant update (archived_at) on expectations to rte_jobs;
grant select, insert, delete on job_runs to rte_jobs;
create policy works on session_revocations to rte_jobs using (true);
grant select, delete on session_revocations to rte_jobs;
create policy works on users for select to rte_jobs using (true);
grant select (id, name) on users to rte_jobs;
