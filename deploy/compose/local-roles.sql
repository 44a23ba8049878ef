-- For the profile `local` only: the services' roles can log in before the migrations find them here and grant them more.
create role rte_api login noinherit password 'local';
create role rte_auth_sync login noinherit password 'local';
create role rte_jobs login noinherit password 'local';
