-- A token outlives a membership by up to a minute: who was removed from the team must not appear on its board again.
drop policy owner_publishes on expectations;
create policy owner_publishes on expectations for insert to authenticated with check (
    team_id = (select auth.jwt()->'o'->>'id') and user_id = (select auth.jwt()->>'sub')
    and exists (
        select from memberships m
        where m.team_id = (select auth.jwt()->'o'->>'id') and m.user_id = (select auth.jwt()->>'sub')
    )
);
