-- Roles stay: they belong to the cluster, and other databases may use them.
revoke usage on schema rte from rte_api;
drop function rte.list_expectations(text, text, text, timestamptz, timestamptz, timestamptz, uuid, integer);
drop view rte.expectation_items;
drop table
    idempotency_keys, notification_settings, exports, reports,
    job_runs, outbox, session_revocations, expectations, membership_tombstones, memberships, users, teams;
drop function
    rte.request_export, rte.choose_avatar, rte.check_expectation, rte.touch, rte.capture_change, rte.is_team_admin;
revoke all on schema rte from authenticated;
revoke all on schema public from authenticated, rte_api, rte_auth_sync, rte_jobs;
alter role rte_api reset plan_cache_mode;
do $$
begin
    if obj_description(to_regprocedure('auth.jwt()')) = 'created by remote-teams-expectations' then
        drop function auth.jwt();
        drop schema auth;
    end if;
end $$;
