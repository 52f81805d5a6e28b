"""/settings/: what is shown, changed, refused, and remembered."""

from html import unescape

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils.text import capfirst

from console import globalconfig
from console.models import ConfigChange, GlobalConfig
from hosts.config import AUTO_RECONNECT, CPU_RATIO, RESERVED_MEMORY
from tests.factories import make_superuser, make_user
from vms.config import EXPUNGE_PERIOD

pytestmark = pytest.mark.django_db

RATIO = "/settings/host/cpu.overProvisioning.ratio/"


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(make_superuser())
    return client


def text_of(response) -> str:
    return unescape(response.content.decode())


def test_every_configuration_is_listed_with_its_meaning(admin: Client) -> None:
    page = text_of(admin.get("/settings/"))
    for config in globalconfig.definitions():
        facts = (
            config.name,
            config.description,
            config.effect,
            capfirst(config.range),
            config.kind.people(config.default),
        )
        assert all(fact in page for fact in facts), config.key


def test_sizes_and_times_read_as_people_write_them(admin: Client) -> None:
    page = text_of(admin.get("/settings/?q=reservedMemory"))
    assert "512 MiB" in page


@pytest.mark.parametrize(
    ("query", "shown", "hidden"),
    [
        ("q=ping+interval", "ping.interval", "ping.maxFailure"),
        ("q=512+mib", "reservedMemory", "reservedCpu"),
        ("category=vm", "dataVolume.deleteOnVmDestroy", "ping.interval"),
        ("only=changed", "cpu.overProvisioning.ratio", "ping.interval"),
        ("q=no-such-thing", "No setting matches", "ping.interval"),
    ],
)
def test_the_list_is_narrowed_by_its_address(admin: Client, query: str, shown: str, hidden: str) -> None:
    globalconfig.update(*CPU_RATIO.key, "3")
    ConfigChange.objects.all().delete()
    page = text_of(admin.get(f"/settings/?{query}"))
    assert shown in page
    assert hidden not in page


def test_a_change_holds_and_is_remembered(admin: Client) -> None:
    response = admin.post(RATIO, {"value": " 3 "}, follow=True)
    assert "cpu.overProvisioning.ratio is 3 from now on" in text_of(response)
    change = ConfigChange.objects.get()
    assert (CPU_RATIO.get(), change.before, change.after, change.by.get_username()) == (3, "10", "3", "root")


def test_saving_the_same_value_leaves_no_trace(admin: Client) -> None:
    admin.post(RATIO, {"value": "10"})
    assert not ConfigChange.objects.exists()


def test_a_wrong_value_is_refused_at_its_field_and_kept(admin: Client) -> None:
    response = admin.post(RATIO, {"value": "many"})
    assert response.status_code == 422
    assert "must be a whole number, from 1 to 1000" in text_of(response)
    assert 'value="many"' in text_of(response)


def test_the_default_is_one_press_away(admin: Client) -> None:
    globalconfig.update(*RESERVED_MEMORY.key, "1G")
    page = text_of(admin.get("/settings/kvm/reservedMemory/"))
    assert "Back to the default, 512 MiB" in page
    admin.post("/settings/kvm/reservedMemory/reset/")
    assert RESERVED_MEMORY.get() == RESERVED_MEMORY.default
    assert ConfigChange.objects.count() == 2


def test_a_choice_is_chosen(admin: Client) -> None:
    page = text_of(admin.get("/settings/host/connection.autoReconnectOnError/"))
    assert 'type="radio"' in page
    admin.post("/settings/host/connection.autoReconnectOnError/", {"value": "false"})
    assert AUTO_RECONNECT.get() is False


def test_a_setting_shows_its_own_history(admin: Client) -> None:
    globalconfig.update(*CPU_RATIO.key, "3", make_user("ann"))
    globalconfig.update(*RESERVED_MEMORY.key, "1G", make_user("bob"))
    page = text_of(admin.get(RATIO))
    assert "ann" in page
    assert "bob" not in page
    assert "bob" in text_of(admin.get("/settings/history/"))


def test_a_history_reads_as_people_write(admin: Client) -> None:
    globalconfig.update(*RESERVED_MEMORY.key, "1G")
    ConfigChange.objects.create(category="kvm", name="reservedMemory", before="much", after="1")
    ConfigChange.objects.create(category="kvm", name="noMore", before="a", after="b")
    page = admin.get("/settings/history/")
    shown = [(change.before, change.after) for change in page.context["changes"]]
    assert shown == [("a", "b"), ("much", "1 B"), ("512 MiB", "1 GiB")]


@pytest.mark.parametrize("kept", [str(10**14), "-1", "soon"])
def test_a_value_that_is_kept_out_of_bounds_is_shown_with_what_is_in_force(admin: Client, kept: str) -> None:
    GlobalConfig.objects.create(category="vm", name="expungePeriod", value=kept)
    assert f"{kept} is kept, and not valid" in text_of(admin.get("/settings/?only=changed"))
    page = text_of(admin.get("/settings/vm/expungePeriod/"))
    assert f"The value that is kept, {kept}, is not valid: it must be a whole number of seconds, from 0" in page
    default = EXPUNGE_PERIOD.kind.people(EXPUNGE_PERIOD.default)
    assert f"The default, {default}, is in force until another one is saved." in page


def test_a_value_that_is_kept_out_of_bounds_is_mended_by_one_press(admin: Client) -> None:
    GlobalConfig.objects.create(category="vm", name="expungePeriod", value=str(10**14))
    admin.post("/settings/vm/expungePeriod/reset/")
    assert not GlobalConfig.objects.exists()
    change = ConfigChange.objects.get()
    assert (change.before, change.after) == (str(10**14), "86400")


def test_who_may_not_change_settings_reads_them_and_is_told(client: Client) -> None:
    client.force_login(make_user())
    assert "needs the permission console.change_globalconfig" in text_of(client.get(RATIO))
    assert client.post(RATIO, {"value": "3"}).status_code == 403
    assert client.post(f"{RATIO}reset/").status_code == 403
    assert not GlobalConfig.objects.exists()


def test_the_permission_is_enough(client: Client) -> None:
    user = make_user()
    user.user_permissions.add(Permission.objects.get(codename="change_globalconfig"))
    client.force_login(user)
    client.post(RATIO, {"value": "3"})
    assert CPU_RATIO.get() == 3


def test_a_setting_that_is_none_is_not_found(admin: Client) -> None:
    assert admin.get("/settings/vm/nothing/").status_code == 404


def test_the_list_costs_the_same_for_any_number_of_changes(admin: Client, django_assert_num_queries) -> None:
    for count in (1, 6):
        for number in range(count):
            globalconfig.update(*CPU_RATIO.key, str(2 + number), make_user())
        with django_assert_num_queries(3):  # session, user, values
            admin.get("/settings/")
