drop trigger capture_change on exports;
drop trigger capture_change on reports;
