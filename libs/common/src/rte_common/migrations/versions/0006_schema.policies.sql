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
alter table idempotency_keys enable row level security;
alter table notification_settings enable row level security;
alter table exports enable row level security;
alter table reports enable row level security;

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
-- A token outlives a membership by up to a minute: who was removed from the team must not appear on its board again.
create policy owner_publishes on expectations for insert to authenticated with check (
    team_id = (select auth.jwt()->'o'->>'id') and user_id = (select auth.jwt()->>'sub')
    and exists (
        select from memberships m
        where m.team_id = (select auth.jwt()->'o'->>'id') and m.user_id = (select auth.jwt()->>'sub')
    )
);
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

-- Since October 2026 Supabase grants nothing on new tables by itself.
grant select on teams, memberships, expectations to authenticated;
grant select (id, name, avatar_url, uploaded_avatar_url, timezone, deleted_at, created_at, updated_at)
    on users to authenticated;
grant update (timezone, uploaded_avatar_url) on users to authenticated;
grant insert (team_id, user_id, title, estimated_completion) on expectations to authenticated;
grant update (title, estimated_completion, is_done, done_at) on expectations to authenticated;
grant delete on expectations to authenticated;
grant select on idempotency_keys, notification_settings, exports, reports to authenticated;
grant insert (team_id, user_id, key, request), update (request, body, location, created_at)
    on idempotency_keys to authenticated;
grant insert (user_id, reminders, weekly_report), update (reminders, weekly_report)
    on notification_settings to authenticated;
grant insert (team_id, user_id, format) on exports to authenticated;

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
create policy works on idempotency_keys to rte_jobs using (true) with check (true);
create policy works on notification_settings for select to rte_jobs using (true);
create policy works on exports to rte_jobs using (true) with check (true);
create policy works on reports to rte_jobs using (true) with check (true);
grant select, delete on idempotency_keys to rte_jobs;
grant select on notification_settings to rte_jobs;
grant select, update, delete on exports to rte_jobs;
grant select, insert on reports to rte_jobs;
