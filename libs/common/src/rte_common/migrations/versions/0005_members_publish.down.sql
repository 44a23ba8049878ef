drop policy owner_publishes on expectations;
create policy owner_publishes on expectations for insert to authenticated
    with check (team_id = (select auth.jwt()->'o'->>'id') and user_id = (select auth.jwt()->>'sub'));
