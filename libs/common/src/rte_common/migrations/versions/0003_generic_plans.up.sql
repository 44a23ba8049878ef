-- With the policies of two tables planning a list takes five times as long as running it, and no argument changes the plan.
alter role rte_api set plan_cache_mode = 'force_generic_plan';
