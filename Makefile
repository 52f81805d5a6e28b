# Each target installs what it needs and is missing (bin/install); a second call finds it there.
.PHONY: run test check lock

PYTHON := .venv/bin/python

run: ## the whole console on this machine, with a demo datacenter: http://127.0.0.1:8000/
	@bin/install run
	@$(PYTHON) manage.py stack --end-with-parent

test: ## every test, on SQLite and those that use the database again on PostgreSQL
	@bin/test $(ARGS)

check: ## linters, formatting, types, Django's checks, missing migrations
	@bin/check

lock: ## the lock files anew from requirements/*.in; needs uv
	@bin/lock
