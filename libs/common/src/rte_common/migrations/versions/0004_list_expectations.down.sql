revoke usage on schema rte from rte_api;
drop function rte.list_expectations(text, text, text, timestamptz, timestamptz, timestamptz, uuid, integer);
drop view rte.expectation_items;
