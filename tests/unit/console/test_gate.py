"""Who may ask a console, tried from outside: what a page on the web can make a browser send, and more."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator

import pytest

pytest.importorskip("uvicorn")

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from coreos_lab.console import serving
from coreos_lab.errors import LabError
from tests.unit.console import paper_cluster
from tests.unit.console.paper_cluster import Shown


def is_built() -> bool:
    try:
        serving.page()
    except LabError:
        return False
    return True


pytestmark = pytest.mark.skipif(not is_built(), reason="the page is not built")


@pytest.fixture
def shown() -> Iterator[Shown]:
    with paper_cluster.shown() as made:
        made.feed.update(**paper_cluster.document())
        yield made


def ask(shown: Shown, method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", shown.port, timeout=10)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.putrequest(method, path, skip_host=True)
    for name, value in {"Host": f"127.0.0.1:{shown.port}", "Content-Length": str(len(body or "")), **given}.items():
        connection.putheader(name, value)
    connection.endheaders((body or "").encode())
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def own(shown: Shown, token: str) -> dict[str, str]:
    return {"Origin": f"http://127.0.0.1:{shown.port}", "Authorization": f"Bearer {token}"}


HEAL = json.dumps({"verb": "heal"})


def test_the_page_has_a_policy_that_lets_nothing_else_in(shown: Shown) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", shown.port, timeout=10)
    connection.request("GET", "/")
    answer = connection.getresponse()
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self';" in policy
    assert "unsafe" not in policy
    nonce = policy.partition("'nonce-")[2].partition("'")[0]
    assert f'<meta name="nonce" content="{nonce}">' in answer.read().decode()
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "server" not in answer.headers
    assert shown.console.token not in str(answer.headers)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{port}", ""])
def test_another_host_s_name_is_refused(shown: Shown, host: str) -> None:
    assert ask(shown, "GET", "/", Host=host.format(port=shown.port))[0] == 403


def test_localhost_is_a_name_of_this_host(shown: Shown) -> None:
    assert ask(shown, "GET", "/", Host=f"localhost:{shown.port}")[0] == 200


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://localhost:{port}"]
)
def test_another_page_s_request_is_refused_even_with_the_token(shown: Shown, origin: str) -> None:
    headers = {**own(shown, shown.console.token), "Origin": origin.format(port=shown.port)}
    assert ask(shown, "POST", "/api/acts", HEAL, **headers)[0] == 403
    assert ask(shown, "GET", "/api/faults", **headers)[0] == 403
    assert shown.acts.orders == []


def test_a_request_without_an_origin_changes_nothing(shown: Shown) -> None:
    headers = {"Authorization": f"Bearer {shown.console.token}"}
    assert ask(shown, "POST", "/api/acts", HEAL, **headers)[0] == 403
    assert ask(shown, "GET", "/api/faults", **headers)[0] == 200


def test_a_script_of_another_site_cannot_load_the_page_s_parts(shown: Shown) -> None:
    assert ask(shown, "GET", "/main.js", **{"Sec-Fetch-Site": "cross-site"})[0] == 403
    assert ask(shown, "GET", "/", **{"Sec-Fetch-Site": "cross-site"})[0] == 200, "a link in a mail"


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer wrong", "Basic {token}", "{token}", "Bearer {token}x"])
def test_without_a_token_there_is_nothing(shown: Shown, given: str) -> None:
    headers = {**own(shown, ""), "Authorization": given.format(token=shown.console.token)}
    assert ask(shown, "POST", "/api/acts", HEAL, **headers)[0] == 401
    assert ask(shown, "GET", "/api/faults", **headers)[0] == 401
    assert ask(shown, "GET", "/api/journal?node=core-01", **headers)[0] == 401
    assert shown.acts.orders == []


def test_who_may_only_look_changes_nothing(shown: Shown) -> None:
    looking = own(shown, shown.console.look)
    assert ask(shown, "GET", "/api/faults", **looking)[0] == 200
    status, text = ask(shown, "POST", "/api/acts", HEAL, **looking)
    assert (status, json.loads(text)["error"]) == (403, "this link is to look only")
    assert ask(shown, "POST", "/api/acts/1/stop", "{}", **looking)[0] == 403
    assert shown.acts.orders == []
    assert ask(shown, "POST", "/api/acts", HEAL, **own(shown, shown.console.token))[0] == 202
    assert [each.typed for each in shown.acts.orders] == ["lab heal"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "not a JSON object"),
        ("[]", "not a JSON object"),
        ("[" * 10_000, "not a JSON object"),
        ("x" * 30_000, "longer than 20000 bytes"),
        ('{"verb": "destroy"}', "destroy: not something that the console does"),
        ('{"verb": "break", "node": "core-09"}', "core-09: no such node"),
        ('{"verb": "break", "node": "core-01", "fault": "explode"}', "explode: no such fault"),
        ('{"verb": "break", "node": "core-01", "fault": "kill", "for": "long"}', "'long' is not a duration"),
        ('{"verb": "break", "node": "core-01", "fault": "kill", "values": [1]}', "values: not an object"),
        (
            '{"verb": "break", "node": "core-01", "fault": "loss", "values": {"percent": "0"}}',
            "percent=0: not a number",
        ),
        ('{"verb": "break", "node": "core-01", "fault": "kill", "values": {"x": "1"}}', "no such parameter"),
    ],
)
def test_a_wrong_order_is_one_line(shown: Shown, body: str, says: str) -> None:
    status, text = ask(shown, "POST", "/api/acts", body, **own(shown, shown.console.token))
    assert status == 400
    assert says in json.loads(text)["error"]
    assert shown.acts.orders == []


def test_files_beside_the_page_s_are_not_served(shown: Shown) -> None:
    for path in ("/../package.json", "/%2e%2e/package.json", "/..%2fpackage.json", "/console.json"):
        assert ask(shown, "GET", path)[0] == 404, path


@pytest.mark.parametrize("path", ["/live", "/terminal"])
def test_a_connection_of_another_page_is_refused(shown: Shown, path: str) -> None:
    for headers in ({"Origin": "http://evil.example"}, {}):
        with (
            pytest.raises(InvalidStatus) as refused,
            connect(f"ws://127.0.0.1:{shown.port}{path}", additional_headers=headers),
        ):
            pass
        assert refused.value.response.status_code == 403


@pytest.mark.parametrize("path", ["/live", "/terminal"])
@pytest.mark.parametrize(
    "first", ['{"token": "wrong"}', "{}", "[]", "no JSON", '{"token": 7}', r'{"token": "\ud800"}', "[" * 100_000]
)
def test_a_connection_without_a_token_is_closed_and_told_nothing(shown: Shown, path: str, first: str) -> None:
    origin = {"Origin": f"http://127.0.0.1:{shown.port}"}
    with connect(f"ws://127.0.0.1:{shown.port}{path}", additional_headers=origin) as socket:
        socket.send(first)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401


def test_who_may_only_look_gets_no_terminal(shown: Shown) -> None:
    origin = {"Origin": f"http://127.0.0.1:{shown.port}"}
    with connect(f"ws://127.0.0.1:{shown.port}/terminal", additional_headers=origin) as socket:
        socket.send(json.dumps({"token": shown.console.look, "node": "core-01"}))
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4403
