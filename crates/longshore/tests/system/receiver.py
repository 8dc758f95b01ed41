"""A receiver of webhooks and of Jenkins' triggers that tests kill.

It writes a line for each request to standard output before it answers, in one write, so that what
it has seen outlives it.
"""

import http.server
import json
import os
import sys
import time

TRIGGERED = {
    "jobs": {"deploy": {"triggered": True, "id": 1, "url": "queue/item/1/"}},
    "message": "Triggered jobs.",
}
# Seconds from seeing a request to answering it: most deaths come in between for some.
ANSWERS_AFTER = 0.01


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        is_jenkins = self.path.startswith("/generic-webhook-trigger/")
        kind, answer = ("jenkins", TRIGGERED) if is_jenkins else ("webhook", {})
        os.write(1, f"{kind} {self.headers['X-Longshore-Run-Id']}\n".encode())
        time.sleep(ANSWERS_AFTER)
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


with Server(("127.0.0.1", int(sys.argv[1])), Receiver) as server:
    os.write(1, f"listening {server.server_port}\n".encode())
    server.serve_forever()
