-- All that anybody may do with what is ours. Many Supabase projects grant everything on new tables, sequences and
-- functions by default, against which our grants of single columns say nothing: so each begins with none.
do $$
declare
    ours constant text[] := '{teams,users,memberships,membership_tombstones,expectations,session_revocations,outbox,
        job_runs,idempotency_keys,notification_settings,exports,reports,notifications}';
    anybody constant text := 'public, anon, authenticated, service_role';
    of_nobody record;
begin
    for of_nobody in
        select c.oid::regclass as name, case c.relkind when 'S' then 'sequence' else 'table' end as kind
        from pg_class c
        where c.relkind in ('r', 'v', 'S') and c.relnamespace in ('public'::regnamespace, 'rte'::regnamespace) and (
            c.relnamespace = 'rte'::regnamespace
            or c.relname = any (ours)
            or exists (  -- the sequence of an identity column
                select from pg_depend d
                where d.objid = c.oid and c.relkind = 'S'
                    and d.refobjid = any (select to_regclass('public.' || name) from unnest(ours) name)
            )
        )
    loop
        execute format('revoke all on %s %s from %s', of_nobody.kind, of_nobody.name, anybody);
    end loop;
    execute format('revoke all on all functions in schema rte from %s', anybody);
    execute format('revoke all on schema rte from %s', anybody);
    -- What this role makes later begins with none, too; what other roles make is not ours to say.
    execute format('alter default privileges in schema public, rte revoke all on tables from %s', anybody);
    execute format('alter default privileges in schema public, rte revoke all on sequences from %s', anybody);
    execute format('alter default privileges in schema public, rte revoke all on functions from %s', anybody);
end $$;

grant usage on schema rte to authenticated;
grant select on teams, memberships, expectations, idempotency_keys, notification_settings, exports, reports, notifications
    to authenticated;
grant select (id, name, avatar_url, uploaded_avatar_url, timezone, deleted_at, created_at, updated_at)
    on users to authenticated;
grant update (timezone, uploaded_avatar_url) on users to authenticated;
grant insert (team_id, user_id, title, estimated_completion) on expectations to authenticated;
grant update (title, estimated_completion, is_done, done_at) on expectations to authenticated;
grant delete on expectations to authenticated;
grant insert (team_id, user_id, key, request), update (request, body, location, created_at)
    on idempotency_keys to authenticated;
grant insert (
        user_id, reminders, weekly_report, remind_before_minutes, quiet_start, quiet_end, days, nothing_set_at
    ), update (
        reminders, weekly_report, remind_before_minutes, quiet_start, quiet_end, days, nothing_set_at
    ) on notification_settings to authenticated;
grant insert (team_id, user_id, format) on exports to authenticated;
grant update (read_at) on notifications to authenticated;
grant select on rte.expectation_items, rte.member_settings to authenticated;
grant execute on function rte.is_team_admin(), rte.reopens(public.expectations, public.expectations) to authenticated;
