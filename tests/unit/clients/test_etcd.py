"""etcd's version 2 API, as a stub answers it: keys, folders, members, health."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from coreos_lab.clients import etcd as module
from coreos_lab.clients.etcd import Etcd, Member, answers, is_healthy, leaves, parse_members
from coreos_lab.clients.http import CannotCheckError, Endpoints
from coreos_lab.errors import LabError
from tests.unit.clients.stub import Stub, serving

NOT_FOUND = (404, {"errorCode": 100, "message": "Key not found", "cause": "/x", "index": 5})


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serving() as one:
        yield one


@pytest.fixture
def etcd(stub: Stub) -> Etcd:
    """The client, pointed at the stub in place of a node's well-known port."""
    client = Etcd([])
    client._http = Endpoints("etcd", [stub.base], timeout=1)
    return client


def test_members_are_parsed_also_one_that_has_not_started() -> None:
    answer = {"members": [{"id": "a", "name": "core-01", "peerURLs": ["http://p:2380"]}, {"id": "b", "name": ""}]}
    assert parse_members(answer) == [Member("a", "core-01", ("http://p:2380",)), Member("b", "", ())]


def test_leaves_opens_folders() -> None:
    node = {
        "key": "/a",
        "dir": True,
        "nodes": [
            {"key": "/a/b", "value": "1"},
            {"key": "/a/c", "dir": True, "nodes": [{"key": "/a/c/d", "value": ""}]},
        ],
    }
    assert leaves(node) == {"/a/b": "1", "/a/c/d": ""}
    assert leaves({"key": "/empty", "dir": True}) == {}


def test_get_reads_with_a_quorum(stub: Stub, etcd: Etcd) -> None:
    stub.answers["GET /v2/keys/services/www/nginx%401?quorum=true"] = (200, {"node": {"key": "/x", "value": "here"}})
    assert etcd.get("/services/www/nginx@1") == "here"


def test_a_key_that_is_not_there_is_none(stub: Stub, etcd: Etcd) -> None:
    stub.answers["GET /v2/keys/x?quorum=true"] = NOT_FOUND
    stub.answers["GET /v2/keys/x?recursive=true&sorted=true&quorum=true"] = NOT_FOUND
    assert etcd.get("/x") is None
    assert etcd.tree("/x") == {}


def test_tree_of_a_folder(stub: Stub, etcd: Etcd) -> None:
    node = {"key": "/x", "dir": True, "nodes": [{"key": "/x/1", "value": "one"}]}
    stub.answers["GET /v2/keys/x?recursive=true&sorted=true&quorum=true"] = (200, {"node": node})
    assert etcd.tree("/x") == {"/x/1": "one"}


def test_set_with_a_ttl(stub: Stub, etcd: Etcd) -> None:
    stub.answers["PUT /v2/keys/x"] = (201, {"action": "set"})
    etcd.set("/x", "a b&c", ttl=3)
    assert stub.requests == [("PUT /v2/keys/x", "value=a+b%26c&ttl=3")]


def test_what_etcd_refuses_is_an_error_in_its_words(stub: Stub, etcd: Etcd) -> None:
    stub.answers["PUT /v2/keys/x"] = (403, {"errorCode": 102, "message": "Not a file"})
    with pytest.raises(LabError, match="cannot set /x: Not a file"):
        etcd.set("/x", "1")


def test_removing_what_is_not_there_is_fine(stub: Stub, etcd: Etcd) -> None:
    stub.answers["DELETE /v2/keys/x?recursive=true"] = NOT_FOUND
    etcd.remove("/x")
    stub.answers["DELETE /v2/keys/x?recursive=true"] = (403, {"errorCode": 107, "message": "Root is read only"})
    with pytest.raises(LabError, match="Root is read only"):
        etcd.remove("/x")


def test_members_come_and_go(stub: Stub, etcd: Etcd) -> None:
    stub.answers["GET /v2/members"] = (200, {"members": [{"id": "a", "name": "core-01"}]})
    stub.answers["POST /v2/members"] = (201, {"id": "b"})
    stub.answers["DELETE /v2/members/b"] = (204, None)
    assert [member.name for member in etcd.members()] == ["core-01"]
    etcd.add_member("http://p:2380")
    etcd.remove_member("b")
    assert stub.requests[1] == ("POST /v2/members", '{"peerURLs": ["http://p:2380"]}')


@pytest.mark.parametrize(
    ("answer", "healthy"),
    [((200, '{"health":"true","reason":""}'), True), ((200, '{"health":"false"}'), False), ((503, "no leader"), False)],
)
def test_health(stub: Stub, monkeypatch: pytest.MonkeyPatch, answer: tuple[int, str], healthy: bool) -> None:
    stub.answers["GET /health"] = answer
    monkeypatch.setattr(module, "CLIENT_PORT", int(stub.base.rpartition(":")[2]))
    assert is_healthy("127.0.0.1") is healthy


def test_one_that_answers_need_not_be_healthy(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    stub.answers["GET /version"] = (200, {"etcdserver": "3.5.21"})
    stub.answers["GET /health"] = (503, "no leader")
    monkeypatch.setattr(module, "CLIENT_PORT", int(stub.base.rpartition(":")[2]))
    assert answers("127.0.0.1")
    assert not is_healthy("127.0.0.1")
    stub.answers["GET /version"] = (503, "no member answers")
    assert not answers("127.0.0.1")


def test_nobody_is_not_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLIENT_PORT", 1)
    assert not is_healthy("127.0.0.1", timeout=0.2)


def test_empty_folders_above_a_key_go_up_to_the_first_that_is_not(stub: Stub, etcd: Etcd) -> None:
    stub.answers["DELETE /v2/keys/a/b/c?dir=true"] = (200, {"action": "delete"})
    stub.answers["DELETE /v2/keys/a/b?dir=true"] = (403, {"errorCode": 108, "message": "Directory not empty"})
    etcd.remove_empty_folders_above("/a/b/c/key")
    assert [request for request, _body in stub.requests] == [
        "DELETE /v2/keys/a/b/c?dir=true",
        "DELETE /v2/keys/a/b?dir=true",
    ]


@pytest.mark.parametrize("answer", [(200, None), (200, []), (200, {"node": None}), (404, None), (404, "[]")])
def test_an_answer_that_says_nothing_of_the_key_is_none(
    stub: Stub, etcd: Etcd, monkeypatch: pytest.MonkeyPatch, answer: tuple[int, object]
) -> None:
    del stub
    monkeypatch.setattr(etcd._http, "json", lambda *_args: answer)
    for ask in (etcd.get, etcd.read, etcd.tree):
        with pytest.raises(CannotCheckError, match="cannot read /a: its answer has no key"):
            ask("/a")


def test_a_learner_gets_its_vote_when_it_has_the_leaders_data(stub: Stub, etcd: Etcd) -> None:
    stub.answers["POST /v3/cluster/member/add"] = (200, {"member": {"ID": "7", "isLearner": True}})
    assert etcd.add_learner("http://p:2380") == "7"
    promote = "POST /v3/cluster/member/promote"
    late = {"error": "etcdserver: can only promote a learner member which is in sync with leader", "code": 9}
    stub.answers[promote] = (412, {**late, "message": late["error"]})
    assert not etcd.promote("7")
    stub.answers[promote] = (200, {"members": []})
    assert etcd.promote("7")
    assert stub.requests[-1] == (promote, '{"ID": "7"}')
    stub.answers[promote] = (412, {"message": "etcdserver: can only promote a learner member"})
    assert etcd.promote("7")  # as it is after a request whose answer was lost
    stub.answers[promote] = (404, {"message": "etcdserver: member not found"})
    with pytest.raises(LabError, match="cannot promote the learner 7: etcdserver: member not found"):
        etcd.promote("7")
