-- What a member waits for makes an event, which the gateway announces on the member's channel.
-- Where the file lies and what a report says stay in the tables: the api decides who may have them.
create trigger capture_change after update of status on exports for each row
    when (old.status is distinct from new.status and new.status in ('ready', 'failed'))
    execute function rte.capture_change('export', '{object_path}');
create trigger capture_change after insert on reports
    for each row execute function rte.capture_change('report', '{figures}');
