"""Everything on one machine by one command: Redis, web, worker and beat under a process supervisor."""
