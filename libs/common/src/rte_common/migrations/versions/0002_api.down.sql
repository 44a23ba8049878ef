drop table idempotency_keys, notification_settings, exports, reports;
drop function rte.request_export;
drop trigger capture_change on users;
create trigger capture_change after insert or update or delete on users
    for each row execute function rte.capture_change('user', '{email,clerk_updated_at}');
drop trigger choose_avatar on users;
drop function rte.choose_avatar;
revoke update (uploaded_avatar_url), select (uploaded_avatar_url) on users from authenticated;
alter table users disable trigger user;
update users set avatar_url = clerk_avatar_url;
alter table users enable trigger user;
alter table users drop uploaded_avatar_url, drop clerk_avatar_url;
drop index expectations_history, expectations_history_by_user, expectations_all, expectations_all_by_user;
create index expectations_history on expectations (team_id, done_at desc, id desc) where is_done;
create index expectations_history_by_user on expectations (team_id, user_id, done_at desc, id desc) where is_done;
