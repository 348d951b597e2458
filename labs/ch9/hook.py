"""hook.py PORT ETCD: does on this machine what the function does on AWS. A push of `production` is deployed.

Takes the payload of Docker Hub's webhooks at http://127.0.0.1:PORT/, and deploys by writing one key. ETCD is where etcd
answers, such as 172.17.8.101:2379.
"""

import http.client
import json
import sys
import urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer

TAG = "production"  # what is deployed; every other tag is ignored
KEY = "/v2/keys/coreos.com/deploy"


class Hook(BaseHTTPRequestHandler):
    """One request. `etcd` is set below."""

    def do_POST(self) -> None:
        """Deploys, or ignores; 400 for what is no payload, and 502 without etcd: then the webhook is called again."""
        try:
            said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            tag, name = said["push_data"]["tag"], said["repository"]["name"]
            answer = deploy(self.etcd, name) if tag == TAG else f"ignored:{tag}"
        except OSError as error:
            self.answer(502, f"etcd: {error}")
        except (ValueError, KeyError, TypeError) as error:
            self.answer(400, f"no payload of a webhook: {error!r}")
        else:
            self.answer(200, answer)

    def answer(self, status: int, text: str) -> None:
        """Says it to who has called, and in this terminal."""
        print(text, flush=True)
        body = f"{json.dumps(text)}\n".encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *_args: object) -> None:
        """Prints nothing: `answer` does."""


def deploy(etcd: str, name: str) -> str:
    """Writes the key. OSError where etcd does not."""
    connection = http.client.HTTPConnection(etcd, timeout=10)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    try:
        connection.request("PUT", KEY, urllib.parse.urlencode({"value": name}), form)
        status = connection.getresponse().status
    finally:
        connection.close()
    if status not in (200, 201):
        raise OSError(f"HTTP {status}")
    return f"deploy:{name}"


if __name__ == "__main__":
    Hook.etcd = sys.argv[2]
    server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Hook)
    print(f"waits at http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()
