-- The functions as version 0006 made them.
create or replace function rte.check_expectation() returns trigger language plpgsql set search_path = '' as $$
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

create or replace function rte.capture_change() returns trigger
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
drop function rte.reopens(public.expectations, public.expectations);
