"""A user of the file system: writes a line five times a second, reads it back, and reports over HTTP if that works.

A line is safe when it was synced and read back. GET / returns 200 while writing works, and 503 when the last safe line
is more than a second old. Every line has its number and a checksum; GET /count returns the number of safe lines. After
a restart the program continues after the last complete line.
"""

import hashlib
import http.server
import os
import pathlib
import signal
import socket
import threading
import time

FOLDER = pathlib.Path("/media/ceph/.lab")
FILE = FOLDER / socket.gethostname()
INTERVAL = 0.2  # seconds between two lines
PORT = 8480

state = {"count": 0, "safe": 0.0}


def line(number):
    """A line whose content can be verified from its number."""
    return f"{number} {hashlib.sha256(str(number).encode()).hexdigest()[:16]}\n"


def last_line():
    """The number of the last complete line. Removes what follows it."""
    FILE.touch()
    text = FILE.read_text(encoding="utf-8")
    os.truncate(FILE, text.rfind("\n") + 1)
    return text.count("\n")


def work():
    """Writes and reads for ever. A write may hang; it only blocks this thread."""
    FOLDER.mkdir(exist_ok=True)
    state["count"] = last_line()
    with FILE.open("a", encoding="utf-8") as out:
        while True:
            started = time.monotonic()
            text = line(state["count"] + 1)
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
            with FILE.open("rb") as back:
                back.seek(-len(text), os.SEEK_END)
                if back.read().decode() != text:
                    raise SystemExit(f"{FILE}: does not contain what was written")
            state.update(count=state["count"] + 1, safe=time.monotonic())
            time.sleep(max(0.0, INTERVAL - (time.monotonic() - started)))


def work_or_exit():
    """Ends the whole process when the thread fails, so that systemd starts it again."""
    try:
        work()
    finally:
        os._exit(1)


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers from `state` alone, and so never waits for a file."""

    def do_GET(self):
        age = time.monotonic() - state["safe"]
        healthy = self.path == "/count" or age < 1.0
        body = f"{state['count']}\n" if self.path == "/count" else f"last safe line {age:.1f} s ago\n"
        self.send_response(200 if healthy else 503)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_args):
        """No log: there are ten requests a second."""


# The kernel delivers it to a container's first process only if there is a handler. Nothing needs to be finished: the
# next run removes a line that is not complete.
signal.signal(signal.SIGTERM, lambda *_args: os._exit(0))
threading.Thread(target=work_or_exit, daemon=True).start()
http.server.ThreadingHTTPServer(("", PORT), Answers).serve_forever()
