# Each target installs what it needs and is missing (bin/install); a second call finds it there.
.PHONY: run test faults check bench screenshots lock

PYTHON := .venv/bin/python

run: ## the whole console on this machine, with a demo datacenter: http://127.0.0.1:8000/
	@bin/install run
	@$(PYTHON) manage.py stack --end-with-parent

test: ## every test, on SQLite and those that use the database again on PostgreSQL
	@bin/test $(ARGS)

faults: ## every death at every step, and 300 random faults over all flows with 20 operations in flight; CORRAL_FAULT_SEED=n repeats a storm
	@bin/install test
	@CORRAL_FAULTS=$${CORRAL_FAULTS:-300} CORRAL_FAULT_MINUTES=$${CORRAL_FAULT_MINUTES:-24} CORRAL_TRACED=500 $(PYTHON) -m pytest -q -s -m faults

check: ## linters, formatting, types, Django's checks, missing migrations
	@bin/check

bench: ## times of queries with 100,000 VMs on SQLite and PostgreSQL, as a table and in data/bench.json; CORRAL_BENCH_VMS=n
	@bin/install test
	@DJANGO_SETTINGS_MODULE=tests.settings $(PYTHON) -m tests.bench $${CORRAL_BENCH_VMS:-100000}
	@DJANGO_SETTINGS_MODULE=tests.settings $(PYTHON) -m tests.support.postgres $(PYTHON) -m tests.bench $${CORRAL_BENCH_VMS:-100000}

screenshots: ## pictures of every page, wide and narrow, light and dark, in data/screenshots
	@bin/install test
	@DJANGO_SETTINGS_MODULE=tests.settings $(PYTHON) -m tests.browser.screenshots

lock: ## the lock files anew from requirements/*.in; needs uv
	@bin/lock
