alter role rte_api reset plan_cache_mode;
