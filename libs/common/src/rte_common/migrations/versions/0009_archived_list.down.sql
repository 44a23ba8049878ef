-- The function as version 0006 made it.
drop function rte.list_expectations(text, text, text, timestamptz, timestamptz, timestamptz, uuid, integer);
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

drop index expectations_archived_by_user;
drop index expectations_archived;
