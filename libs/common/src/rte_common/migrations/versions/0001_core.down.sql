-- Roles stay: they belong to the cluster, and other databases may use them.
drop table job_runs, outbox, session_revocations, expectations, membership_tombstones, memberships, users, teams;
drop function rte.check_expectation, rte.touch, rte.capture_change, rte.is_team_admin;
revoke all on schema rte from authenticated;
revoke all on schema public from authenticated, rte_api, rte_auth_sync, rte_jobs;
do $$
begin
    if obj_description(to_regprocedure('auth.jwt()')) = 'created by remote-teams-expectations' then
        drop function auth.jwt();
        drop schema auth;
    end if;
end $$;
