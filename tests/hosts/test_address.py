import pytest

from hosts.address import default_uri, uri_problem, user_problem


@pytest.mark.parametrize(
    "uri",
    [
        "qemu+tls://node1.example.org/system",
        "qemu+tcp://10.77.0.11/system",
        "qemu+tcp://10.77.0.11:16509/system",
        "qemu+ssh://root@node-1/system",
        "qemu+tls://[fd00::1]/system",
        "sim://sim1",
        default_uri("10.0.0.1"),
    ],
)
def test_remote_libvirt_is_taken(uri: str) -> None:
    assert uri_problem(uri) is None


@pytest.mark.parametrize(
    "uri",
    [
        "qemu+ext:///system?command=/tmp/evil.sh",
        "qemu+ssh://h/system?command=/tmp/evil.sh",
        "qemu+ssh://-oProxyCommand=evil/system",
        "qemu+ssh://a b/system",
        "qemu+unix:///system?socket=/run/evil",
        "qemu:///system",
        "test:///default",
        "qemu+tls://node1/session",
        "qemu+tls://node1/system\nx",
        "file:///etc/passwd",
        "",
    ],
)
def test_what_could_run_or_read_something_on_the_console_is_not(uri: str) -> None:
    problem = uri_problem(uri)
    assert problem is not None
    assert "qemu+tls://HOST/system" in problem


@pytest.mark.parametrize("user", ["", "root", "corral-1", "svc.corral"])
def test_a_user_of_ssh_is_taken(user: str) -> None:
    assert user_problem(user) is None


@pytest.mark.parametrize("user", ["a b", "-oProxyCommand=evil", "a@b", "a/b"])
def test_what_is_no_user_is_told(user: str) -> None:
    assert user_problem(user) == f'"{user}" is not a user name.'
