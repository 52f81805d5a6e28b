"""Settings of a test run: its own data folder; SQLite in memory unless TEST_DATABASE_URL names PostgreSQL."""

import os
import tempfile
from importlib import import_module

OWN = {
    "CORRAL_DATA_DIR": tempfile.mkdtemp(prefix="corral-test-"),
    "CORRAL_HYPERVISOR": "simulator",
    "DATABASE_URL": os.environ.get("TEST_DATABASE_URL", "sqlite://:memory:"),
    "REDIS_URL": "",
    "SECRET_KEY": "not-secret-only-for-tests",
    "DEBUG": "false",
    "ALLOWED_HOSTS": "testserver,127.0.0.1,localhost",
    "CSRF_TRUSTED_ORIGINS": "",
}
os.environ.update(OWN)

console = import_module("console.settings")
globals().update({name: getattr(console, name) for name in dir(console) if name.isupper()})

console.STATIC_ROOT.mkdir()
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# The hashed names need collectstatic; what they do is seen where a whole stack runs.
STORAGES = {
    **console.STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
LOGGING = {**console.LOGGING, "root": {"handlers": [], "level": "INFO"}}  # pytest collects the records
CELERY_BROKER_URL = "memory://"  # a doorbell nobody hears; tests that want a worker start a stack
