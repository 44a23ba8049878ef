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
