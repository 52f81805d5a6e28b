"""A query in words."""

from collections.abc import Callable

import pytest

from console.query.explain import explain, spoken
from console.query.plan import plan
from console.query.question import meant, read
from console.query.schema import FieldSchema, Kind, Schema

FIELDS = {
    "name": Kind.TEXT, "uuid": Kind.UUID, "hostUuid": Kind.UUID, "ip": Kind.TEXT, "size": Kind.INT,
    "createDate": Kind.DATE, "system": Kind.BOOL,
}  # fmt: skip


def schema(name: str, **joins: Callable[[], Schema]) -> Schema:
    fields = {field: FieldSchema(field, kind) for field, kind in FIELDS.items()}
    fields["state"] = FieldSchema("state", Kind.ENUM, ("Running", "Stopped"))
    fields["dns"] = FieldSchema("dns", Kind.TEXT, many=True)
    return Schema(name, fields, joins=joins, tagged=True)


NIC = schema("VmNic", eip=lambda: schema("Eip"), l3Network=lambda: schema("L3Network"))
VM = schema("VmInstance", vmNics=lambda: NIC, host=lambda: schema("Host"), allVolumes=lambda: schema("Volume"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("web", "whose name contains “web”"),
        ("state=running", "whose state is Running"),
        ("state?=Running,Stopped", "whose state is Running or Stopped"),
        ("state!?=Running,Stopped", "whose state is not Running or Stopped"),
        ("name=web name!=db", "whose name is “web” and whose name is not “db”"),
        ("name~=web%", "whose name begins with “web”"),
        ("name~=%web", "whose name ends with “web”"),
        ("name!~=web", "whose name does not contain “web”"),
        ("name~=w_b%x", "whose name looks like “w_b%x”"),
        ("name~=50\\%%", "whose name begins with “50%”"),
        ("name>m", "whose name comes after “m”"),
        ("size>5 size<=9", "whose size is more than 5 and whose size is at most 9"),
        ("createDate>=2026-01-31", "whose creation date is at or after 2026-01-31 UTC"),
        ('createDate<"2026-01-31 17:30:00"', "whose creation date is before 2026-01-31 17:30:00 UTC"),
        ("system=TRUE", "whose system is true"),
        ("hostUuid is null", "whose host UUID is not set"),
        ("hostUuid!=null", "whose host UUID is set"),
        ("dns=10.0.0.1", "whose DNS include “10.0.0.1”"),
        ("__userTag__=prod", "that have a user tag that is “prod”"),
        ("__userTag__!=prod", "that have no user tag that is “prod”"),
        ("__userTag__~=rack", "that have a user tag that contains “rack”"),
        ("__systemTag__=null", "that have no system tag"),
        ("__systemTag__!=null", "that have a system tag"),
        ("vmNics.ip=10.0.0.218", "that have a NIC whose IP is “10.0.0.218”"),
        ("state=Running vmNics.ip=1", "whose state is Running, and that have a NIC whose IP is “1”"),
        (
            "allVolumes.name=a vmNics.ip=1 allVolumes.size>5",
            "that have a volume whose name is “a” and whose size is more than 5, and that have a NIC whose IP is “1”",
        ),
        (
            "vmNics.eip.name=a vmNics.l3Network.name=b",
            "that have a NIC that has an EIP whose name is “a”, and that has an L3 network whose name is “b”",
        ),
        ("host.__userTag__=rack-3", "that have a host that has a user tag that is “rack-3”"),
    ],
)
def test_a_query_is_said_in_words(text: str, said: str) -> None:
    conditions = [meant(part) for part in read(text).parts]
    assert explain("VMs", plan(VM, conditions)) == f"VMs {said}"


def test_words_that_are_no_conditions_are_only_mentioned() -> None:
    assert explain("operations", plan(VM, ()), ["web"]) == "operations that mention “web”"


@pytest.mark.parametrize(
    ("field", "words"),
    [("hostUuid", "host UUID"), ("l3NetworkUuid", "L3 network UUID"), ("cpuNum", "number of CPUs"), ("vmNics", "NIC")],
)
def test_fields_have_words(field: str, words: str) -> None:
    assert spoken(field) == words
