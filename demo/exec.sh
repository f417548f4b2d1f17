#!/usr/bin/env bash
# The first scene of the demo: one notification script, guarded by `fuseboard exec`, while the service it
# talks to goes away and comes back. Nothing is staged: a real server, a real outage, and every step is
# checked, so that the demo is a test as well.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh" || exit 1

# --- The message service, and what is checked here only ----------------------------------------------------

server=''
stop_server() {
    if [[ -n $server ]]; then
        kill "$server" && wait "$server"
        server=''
    fi 2>/dev/null
}
trap 'stop_server; leave' EXIT

start_server() {
    rm -f port
    python3 "$here/inbox.py" inbox port &
    server=$!
    eventually test -s port || fail "the message service did not start"
}

# What fuseboard itself said: standard error without the script's own lines.
expect_said() { # LINES [PATTERN]
    local said
    said=$(grep -v '^notify\.sh: ' "$world/err")
    [[ $(grep -c . <<<"$said") == "$1" ]] || fail "expected $1 line(s) from fuseboard on standard error, got: $said"
    [[ -z ${2:-} ]] || grep -qiE -- "$2" <<<"$said" || fail "expected a line with '$2', got: $said"
}

expect_attempts() {
    [[ $(wc -l <attempts) -eq $1 ]] || fail "notify.sh should have been started $1 times: $(paste -sd, attempts)"
}

# --- The scene ---------------------------------------------------------------------------------------------

cp "$here/notify.sh" . || fail "cannot write to $world"

heading "One notification script, one outage"
tell "notify.sh sends a line to a message service. The build must not suffer if that service is down," \
    "so the script runs as the circuit 'notify'. The service is up:" ""
start_server
expect 0 exec notify --cool-down 2s -- ./notify.sh "build 1 ok"
expect_said 0

heading "The service goes away"
stop_server
tell "The first failure is passed through untouched, exit code included." \
    "The second in a row opens the circuit, which is said in one line." ""
expect 7 exec notify --cool-down 2s -- ./notify.sh "build 2 ok"
expect_status notify closed 1 1 0
expect 7 exec notify --cool-down 2s -- ./notify.sh "build 3 ok"
expect_said 1 'notify.*open'

tell "From now on nothing is started: the call is skipped, with exit code 75." ""
expect 75 exec notify --cool-down 2s -- ./notify.sh "build 4 ok"
skip=$took
expect_attempts 3
expect_status notify open 1 2 1
tell "Skipped in $skip ms." ""

heading "Why is it off, and what happens next?"
expect 0 status
expect_line out 1 'notify.*open'
expect 0 explain notify
expect_line out 1 'message service does not answer'

heading "The service comes back"
start_server
tell "After the cool-down the next call is a probe. It succeeds, which closes the circuit." ""
printf '%s$ until fuseboard allowed notify; do sleep 0.1; done%s\n\n' "$bold" "$plain"
eventually "$program" allowed notify >/dev/null 2>&1 || fail "no probe is due ten seconds after the circuit opened"
expect 0 exec notify --cool-down 2s -- ./notify.sh "build 5 ok"
expect_said 1 'notify.*closed'
expect_attempts 4
expect_status notify closed 2 2 1
expect 0 status
expect_line out 1 'notify.*closed'

heading "What happened, for the record"
expect 0 history notify
"$program" history notify --format json | python3 -c '
import json, sys
events = [json.loads(line)["event"] for line in sys.stdin]
assert events[0] == "opened" and events[-1] == "closed", events
assert events.count("opened") == events.count("closed") == 1, events
' || fail "the history should begin with 'opened' and end with 'closed', each once"

[[ $(paste -sd, inbox) == "build 1 ok,build 5 ok" ]] || fail "the service got: $(paste -sd, inbox)"
tell "The service got 'build 1 ok' and 'build 5 ok'. Two attempts failed, one was spared, no build was hurt."
heading "demo: everything was as it should be"
