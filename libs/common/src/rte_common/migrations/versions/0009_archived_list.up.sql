-- What is archived is a list of its own, in the order of the history, which it continues.
-- The first one's condition is worded so that it does not serve the lists of one member, for which the planner would take
-- it: it thinks both to be as good, and reads the archive of everybody.
create index expectations_archived on expectations (team_id, done_at desc, id desc) where archived_at > '-infinity';
create index expectations_archived_by_user on expectations (team_id, user_id, done_at desc, id desc)
    where archived_at is not null;

-- Made anew, not replaced: a replaced one is checked as the role that it takes, which may not call it.
drop function rte.list_expectations(text, text, text, timestamptz, timestamptz, timestamptz, uuid, integer);

-- As before, and status 'archived', whose `since` and `until` are about done_at, too.
create function rte.list_expectations(
    claims text, status text, member text, since timestamptz, until timestamptz,
    last_at timestamptz, last_id uuid, most integer
) returns setof text
language plpgsql stable set role to authenticated set search_path to '' set timezone to 'UTC'
set plan_cache_mode to force_generic_plan as $$
declare
    team constant text := claims::jsonb->'o'->>'id';
begin
    perform set_config('request.jwt.claims', claims, true);
    case
        when status = 'active' and member is null then
            return query select i.item from rte.expectation_items i
                where i.team_id = team and not i.is_done
                    and i.created_at >= since and i.created_at < until and (i.created_at, i.id) < (last_at, last_id)
                order by i.created_at desc, i.id desc limit most;
        when status = 'active' then
            return query select i.item from rte.expectation_items i
                where i.team_id = team and i.user_id = member and not i.is_done
                    and i.created_at >= since and i.created_at < until and (i.created_at, i.id) < (last_at, last_id)
                order by i.created_at desc, i.id desc limit most;
        when status = 'completed' and member is null then
            return query select i.item from rte.expectation_items i
                where i.team_id = team and i.is_done and i.archived_at is null
                    and i.done_at >= since and i.done_at < until and (i.done_at, i.id) < (last_at, last_id)
                order by i.done_at desc, i.id desc limit most;
        when status = 'completed' then
            return query select i.item from rte.expectation_items i
                where i.team_id = team and i.user_id = member and i.is_done and i.archived_at is null
                    and i.done_at >= since and i.done_at < until and (i.done_at, i.id) < (last_at, last_id)
                order by i.done_at desc, i.id desc limit most;
        when status = 'archived' and member is null then
            return query select i.item from rte.expectation_items i
                where i.team_id = team and i.archived_at > '-infinity'
                    and i.done_at >= since and i.done_at < until and (i.done_at, i.id) < (last_at, last_id)
                order by i.done_at desc, i.id desc limit most;
        when status = 'archived' then
            return query select i.item from rte.expectation_items i
                where i.team_id = team and i.user_id = member and i.archived_at is not null
                    and i.done_at >= since and i.done_at < until and (i.done_at, i.id) < (last_at, last_id)
                order by i.done_at desc, i.id desc limit most;
        when status = 'all' and member is null then
            return query select i.item from rte.expectation_items i
                where i.team_id = team
                    and i.created_at >= since and i.created_at < until and (i.created_at, i.id) < (last_at, last_id)
                order by i.created_at desc, i.id desc limit most;
        when status = 'all' then
            return query select i.item from rte.expectation_items i
                where i.team_id = team and i.user_id = member
                    and i.created_at >= since and i.created_at < until and (i.created_at, i.id) < (last_at, last_id)
                order by i.created_at desc, i.id desc limit most;
    end case;
end $$;
revoke all on function rte.list_expectations(text, text, text, timestamptz, timestamptz, timestamptz, uuid, integer)
    from public;
grant execute on function
    rte.list_expectations(text, text, text, timestamptz, timestamptz, timestamptz, uuid, integer) to rte_api;
