"""The demo's message service: every POST body becomes one line of a file.

usage: inbox.py INBOX PORT_FILE

It listens on a free loopback port and writes the number to PORT_FILE once it can be reached.
"""

import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

inbox, port_file = sys.argv[1:]


class Inbox(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with open(inbox, "ab") as file:
            file.write(body + b"\n")
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Inbox)
with open(port_file + ".new", "w") as file:
    file.write(str(server.server_port))
os.replace(port_file + ".new", port_file)
server.serve_forever()
