"""Who may do what in the database: all of it is in this list, whatever the platform grants by default."""

from pathlib import Path

import pytest

from rte_common import migrate
from rte_devstack.postgres import psql

ANYBODY = ("anon", "authenticated", "service_role")
ROLES = "".join(
    f"do $$ begin create role {name} nologin noinherit; exception when duplicate_object then null; end $$;"
    for name in ANYBODY
)
PLATFORM_DEFAULTS = "".join(
    f"alter default privileges {where} grant all on {kind} to anon, authenticated, service_role;"
    for kind in ("tables", "sequences", "functions")
    for where in ("in schema public", "")
)
PRIVILEGES = """
    select coalesce(r.rolname, 'public') || ' ' || name || ': '
        || string_agg(privilege_type || coalesce('(' || columns || ')', ''), ', ' order by privilege_type)
    from (
        select a.grantee, c.relowner as owner, c.oid::regclass::text as name, a.privilege_type, null as columns
        from pg_class c, aclexplode(c.relacl) a
        where c.relnamespace in ('public'::regnamespace, 'rte'::regnamespace)
        union all
        select a.grantee, c.relowner, c.oid::regclass::text, a.privilege_type,
            string_agg(t.attname, ',' order by t.attname)
        from pg_class c join pg_attribute t on t.attrelid = c.oid, aclexplode(t.attacl) a
        where c.relnamespace in ('public'::regnamespace, 'rte'::regnamespace)
        group by 1, 2, 3, 4
        union all
        select a.grantee, p.proowner, p.oid::regproc || '()', a.privilege_type, null
        from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
        where p.pronamespace = 'rte'::regnamespace
        union all
        select a.grantee, n.nspowner, 'schema ' || n.nspname, a.privilege_type, null
        from pg_namespace n, aclexplode(n.nspacl) a
        where n.nspname = 'rte'
    ) granted left join pg_roles r on r.oid = grantee
    where grantee <> owner
    group by r.rolname, name
    order by 1
"""
WANTED = Path(__file__).with_name("privileges.txt").read_text().strip()
"""Each role with what it may do. A migration that grants something adds it here."""


@pytest.mark.parametrize("platform", ["", PLATFORM_DEFAULTS])
def test_every_privilege_is_in_the_list_and_no_other(empty_database: str, platform: str) -> None:
    psql(empty_database, ROLES + platform)
    migrate.upgrade(empty_database)

    assert psql(empty_database, PRIVILEGES) == WANTED


def test_what_a_later_migration_makes_belongs_to_nobody_else(empty_database: str) -> None:
    defaults = "alter default privileges in schema public grant all on tables to anon, authenticated, service_role;"
    psql(empty_database, ROLES + defaults)
    migrate.upgrade(empty_database)
    psql(empty_database, "create table later (id bigint generated always as identity)")

    assert psql(empty_database, PRIVILEGES) == WANTED
