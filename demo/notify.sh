#!/usr/bin/env bash
# The side-work of the demo: sends one line to the message service whose port stands in ./port.
# Exits with 7 if the service cannot be reached. Every attempt is noted in ./attempts.
echo "$1" >>attempts
exec python3 -c '
import http.client, sys
port, message = sys.argv[1:]
try:
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=5)
    connection.request("POST", "/", message.encode())
    status = connection.getresponse().status
except OSError as error:
    print("notify.sh: the message service does not answer:", error.strerror, file=sys.stderr)
    sys.exit(7)
sys.exit(0 if status == 204 else 8)
' "$(<port)" "$1"
