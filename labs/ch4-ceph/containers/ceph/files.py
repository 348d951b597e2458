"""Somebody who works with files: writes a line five times a second and reads it back, and says over HTTP how that goes.

GET / is 200 while writing works, and 503 when the last line that was safe is more than a second old. Every line has its
number and a checksum; GET /count says how many of them are safe. After a restart it goes on after the last one.
"""

import hashlib
import http.server
import os
import pathlib
import socket
import threading
import time

FOLDER = pathlib.Path("/media/ceph/.lab")
FILE = FOLDER / socket.gethostname()
INTERVAL = 0.2  # seconds between two lines
PORT = 8480

state = {"count": 0, "safe": 0.0}


def line(number):
    """A line that proves itself."""
    return f"{number} {hashlib.sha256(str(number).encode()).hexdigest()[:16]}\n"


def last():
    """The number of the last whole line."""
    FILE.touch()
    text = FILE.read_text(encoding="utf-8")
    os.truncate(FILE, text.rfind("\n") + 1)
    return text.count("\n")


def work():
    """Writes and reads, for ever. Where a write hangs it hangs here, and nobody else has to wait for it."""
    FOLDER.mkdir(exist_ok=True)
    state["count"] = last()
    with FILE.open("a", encoding="utf-8") as out:
        while True:
            began = time.monotonic()
            text = line(state["count"] + 1)
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
            with FILE.open("rb") as back:
                back.seek(-len(text), os.SEEK_END)
                if back.read().decode() != text:
                    raise SystemExit(f"{FILE}: does not say what was written into it")
            state.update(count=state["count"] + 1, safe=time.monotonic())
            time.sleep(max(0.0, INTERVAL - (time.monotonic() - began)))


def guarded():
    """A thread that fails must take the service with it: systemd starts it anew."""
    try:
        work()
    finally:
        os._exit(1)


class Answers(http.server.BaseHTTPRequestHandler):
    """What is known, at once: never waits for a file."""

    def do_GET(self):
        age = time.monotonic() - state["safe"]
        well = self.path == "/count" or age < 1.0
        body = f"{state['count']}\n" if self.path == "/count" else f"last safe line {age:.1f} s ago\n"
        self.send_response(200 if well else 503)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_args):
        """Ten questions a second need no log."""


threading.Thread(target=guarded, daemon=True).start()
http.server.ThreadingHTTPServer(("", PORT), Answers).serve_forever()
