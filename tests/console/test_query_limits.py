"""No query runs past its time."""

import pytest
from django.db import connection

from console.query.limits import QueryTooSlow, time_limit

ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n",
    "postgresql": "SELECT pg_sleep(60)",
}


def ask(sql: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()


@pytest.mark.django_db(transaction=True)
def test_a_query_that_takes_too_long_is_stopped_and_the_connection_goes_on() -> None:
    with pytest.raises(QueryTooSlow, match=r"took more than 0.1 s"), time_limit(0.1):
        ask(ENDLESS[connection.vendor])
    assert ask("SELECT 1") == (1,)


@pytest.mark.django_db(transaction=True)
def test_the_limit_ends_with_the_query() -> None:
    with time_limit(0.2):
        assert ask("SELECT 1") == (1,)
    if connection.vendor == "postgresql":
        assert ask("SHOW statement_timeout") == ("0",)
    else:
        limited = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000000) SELECT COUNT(*) FROM n"
        assert ask(limited) == (3000000,)


@pytest.mark.django_db
def test_other_troubles_of_the_database_stay_what_they_are() -> None:
    with pytest.raises(Exception, match="nothing_like_it") as caught, time_limit():
        ask("SELECT * FROM nothing_like_it")
    assert not isinstance(caught.value, QueryTooSlow)
