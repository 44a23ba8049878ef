-- A list is read often, so it is one call: to begin as a member, to ask and to commit would be three, and behind a pooler no
-- plan is kept between them, while a function keeps its own. Planning takes longer here than reading a page.
create view rte.expectation_items with (security_invoker = true) as
    select e.id, e.team_id, e.user_id, e.created_at, e.done_at, e.is_done, e.archived_at,
        json_build_object(
            'id', e.id, 'team_id', e.team_id, 'user_id', e.user_id,
            'user', json_build_object('id', u.id, 'name', u.name, 'avatar_url', u.avatar_url),
            'title', e.title, 'estimated_completion', e.estimated_completion, 'is_done', e.is_done,
            'done_at', e.done_at, 'archived_at', e.archived_at, 'version', e.version,
            'created_at', e.created_at, 'updated_at', e.updated_at
        )::text as item
    from public.expectations e join public.users u on u.id = e.user_id;
comment on view rte.expectation_items is 'Expectations as the API shows them, for who may read them';
grant select on rte.expectation_items to authenticated;

-- At most `most` of the team's expectations as JSON, newest first, that come after (last_at, last_id) in that order. `member`
-- may be null: of everybody. `since` and `until` are about done_at where the list is of completed ones, else created_at.
-- The role holds for this call alone, and the claims for the transaction, which is to be this call alone. Because it is
-- stable, nothing but reading is possible in it. Each kind of list is a statement of its own, so that each has its index
-- whatever the arguments are.
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
grant usage on schema rte to rte_api;
grant execute on function
    rte.list_expectations(text, text, text, timestamptz, timestamptz, timestamptz, uuid, integer) to rte_api;

-- With the policies of two tables planning a list takes five times as long as running it, and no argument changes the plan.
alter role rte_api set plan_cache_mode = 'force_generic_plan';
