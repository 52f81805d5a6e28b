"""User tags in lists: shown when they are asked for, and leading to everything that has them."""

import re
from html import unescape

import pytest
from django.http import QueryDict
from django.test import Client

from console import tagging
from console.models import TagType
from console.pages.tag_cells import tagged_url
from console.systemtags import attach
from hosts.models import Zone
from tests.factories import make_host, make_vm
from tests.support.catalogue import RESOURCES
from tests.support.pages import query_count, text_of, visitor

pytestmark = pytest.mark.django_db

FOLDERS = {space: folder for space, (folder, _) in RESOURCES.items()} | {"vms": "/vms/"}
MAKERS = {space: maker for space, (_, maker) in RESOURCES.items()} | {"vms": make_vm}


@pytest.fixture
def web() -> Client:
    return visitor("reader")


def tagged(space: str, *tags: str) -> str:
    """The uuid of a new row with these user tags, and one system tag that is not one of them."""
    row = MAKERS[space]()
    kind = tagging.type_of(type(row))
    attach(kind, row.pk, tags, TagType.USER)
    attach(kind, row.pk, ["a::b"], TagType.SYSTEM)
    return str(row.pk)


@pytest.mark.parametrize("space", sorted(FOLDERS))
def test_the_column_shows_user_tags_and_leads_to_all_that_have_them(web: Client, space: str) -> None:
    tagged(space, "blue")
    MAKERS[space]()
    body = text_of(web.get(f"{FOLDERS[space]}?columns=tags"))
    assert '<a class="chip" href="?columns=tags&amp;q=__userTag__%3Dblue" title="blue">blue</a>' in body
    assert "a::b" not in body
    assert len(web.get(f"{FOLDERS[space]}?q=__userTag__%3Dblue").context["page"]) == 1


@pytest.mark.parametrize("space", sorted(FOLDERS))
def test_the_column_is_offered_and_not_shown_unasked(web: Client, space: str) -> None:
    tagged(space, "blue")
    body = text_of(web.get(FOLDERS[space]))
    assert 'value="tags"' in body
    assert 'class="chip"' not in body


def test_a_chip_narrows_what_the_list_was_asked_for_and_a_second_time_nothing(web: Client) -> None:
    tagged("zones", "blue")
    asked = "?columns=tags&sort=-name&state=Enabled&q=name~=zone"
    for _ in range(2):
        asked = unescape(re.findall(r'<a class="chip" href="([^"]+)"', text_of(web.get(f"/zones/{asked}&page=1")))[0])
    assert QueryDict(asked[1:]).dict() == {
        "columns": "tags", "sort": "-name", "state": "Enabled", "q": "name~=zone __userTag__=blue",
    }  # fmt: skip


@pytest.mark.parametrize("space", ["vms", "zones"])
def test_the_column_costs_one_statement_however_many_rows(web: Client, space: str) -> None:
    for _ in range(5):
        tagged(space, "blue", "green")
    asked, usual = (query_count(web, f"{FOLDERS[space]}?{query}") for query in ("columns=tags", "sort=x"))
    assert asked == usual + 1


@pytest.mark.parametrize("tag", ["two words", 'a "quote"', "null", "a,b", "a%b", "&x=1"])
def test_any_text_leads_to_just_what_has_it(web: Client, tag: str) -> None:
    zone = tagged("zones", tag)
    tagged("zones", "other")
    assert [row.pk for row in web.get(tagged_url(Zone)(tag)).context["page"]] == [zone]


def test_a_chip_of_a_page_leads_to_the_list(web: Client) -> None:
    host = make_host()
    attach("HostVO", host.pk, ["rack-3"], TagType.USER)
    assert 'href="/hosts/?q=__userTag__%3Drack-3"' in text_of(web.get(f"/hosts/{host.pk}/"))
