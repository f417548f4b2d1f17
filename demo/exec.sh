#!/usr/bin/env bash
# The first scene of the demo: one notification script, guarded by `fuseboard exec`, while the service it
# talks to goes away and comes back. Nothing is staged: a real server, a real outage, and every step is
# checked, so that the demo is a test as well. The program is $FUSEBOARD_BIN, else target/debug/fuseboard.
set -uo pipefail
export LC_ALL=C
exec </dev/null

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
program=${FUSEBOARD_BIN:-$here/../target/debug/fuseboard}
[[ $program == /* ]] || program=$PWD/$program

bold='' dim='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
    bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
fi

fail() {
    printf '\ndemo: FAILED: %s\n' "$*" >&2
    exit 1
}

[[ -x $program ]] || fail "no program at $program; build it with: cargo build --bin fuseboard"
command -v python3 >/dev/null || fail "python3 is needed for the message service"

# --- A world of its own, which leaves nothing behind -------------------------------------------------------

world=$(mktemp -d) || fail "no temporary folder"
server=''
stop_server() {
    if [[ -n $server ]]; then
        kill "$server" && wait "$server"
        server=''
    fi 2>/dev/null
}
trap 'stop_server; rm -rf "$world"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cd "$world" || fail "cannot enter $world"
cp "$here/notify.sh" . || fail "cannot write to $world"
unset FUSEBOARD FUSEBOARD_CONFIG FUSEBOARD_FLEET FUSEBOARD_RUN
export FUSEBOARD_STORE=sqlite:$world/state.db
export XDG_CONFIG_HOME=$world/config XDG_STATE_HOME=$world/state NO_COLOR=1

# Polls COMMAND for up to ten seconds.
eventually() {
    local tries=100
    until "$@"; do
        ((--tries)) || return 1
        sleep 0.1
    done
}

start_server() {
    rm -f port
    python3 "$here/inbox.py" inbox port &
    server=$!
    eventually test -s port || fail "the message service did not start"
}

# --- Telling and checking ----------------------------------------------------------------------------------

heading() { printf '\n%s%s%s\n\n' "$bold" "$*" "$plain"; }
tell() { printf '%s\n' "$@"; }

# The words as one would type them.
typed() {
    local word line=
    for word; do
        [[ $word =~ ^[A-Za-z0-9_./=-]+$ ]] || word="\"$word\""
        line+=" $word"
    done
    printf '%s' "${line# }"
}

# expect CODE ARGUMENTS...: shows the command, runs it, shows what it said and compares the exit code.
# Leaves what it said in the files `out` and `err`, and the milliseconds in $took.
expect() {
    local wanted=$1 code start end
    shift
    printf '%s$ fuseboard %s%s\n' "$bold" "$(typed "$@")" "$plain"
    start=${EPOCHREALTIME/./}
    "$program" "$@" >out 2>err
    code=$?
    end=${EPOCHREALTIME/./}
    took=$(((end - start) / 1000))
    sed 's/^/  /' out err
    printf '%s  exit code %s, %s ms%s\n\n' "$dim" "$code" "$took" "$plain"
    [[ $code == "$wanted" ]] || fail "expected exit code $wanted"
}

# What fuseboard itself said: standard error without the script's own lines.
expect_said() { # LINES [PATTERN]
    local said
    said=$(grep -v '^notify\.sh: ' err)
    [[ $(grep -c . <<<"$said") == "$1" ]] || fail "expected $1 line(s) from fuseboard on standard error, got: $said"
    [[ -z ${2:-} ]] || grep -qiE -- "$2" <<<"$said" || fail "expected a line with '$2', got: $said"
}

expect_attempts() {
    [[ $(wc -l <attempts) -eq $1 ]] || fail "notify.sh should have been started $1 times: $(paste -sd, attempts)"
}

# expect_status STATE SUCCESS FAILURE SKIPPED, as scripts read it.
expect_status() {
    "$program" status notify --format json | python3 -c '
import json, sys
circuit, = json.load(sys.stdin)["circuits"]
totals = circuit["totals"]
print(circuit["name"], circuit["state"], totals["success"], totals["failure"], totals["skipped"])
' >seen || fail "status --format json cannot be read"
    [[ $(<seen) == "notify $*" ]] || fail "expected 'notify $*' (state, successes, failures, skips), got '$(<seen)'"
}

# --- The scene ---------------------------------------------------------------------------------------------

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
expect_status closed 1 1 0
expect 7 exec notify --cool-down 2s -- ./notify.sh "build 3 ok"
expect_said 1 'notify.*open'

tell "From now on nothing is started: the call is skipped, with exit code 75." ""
expect 75 exec notify --cool-down 2s -- ./notify.sh "build 4 ok"
skip=$took
expect_attempts 3
expect_status open 1 2 1
tell "Skipped in $skip ms." ""

heading "Why is it off, and what happens next?"
expect 0 status
grep -q 'notify.*open' out || fail "status does not show the open circuit"
expect 0 explain notify
grep -q 'message service does not answer' out || fail "explain does not give the last error"

heading "The service comes back"
start_server
tell "After the cool-down the next call is a probe. It succeeds, which closes the circuit." ""
printf '%s$ until fuseboard allowed notify; do sleep 0.1; done%s\n\n' "$bold" "$plain"
eventually "$program" allowed notify >/dev/null 2>&1 || fail "no probe is due ten seconds after the circuit opened"
expect 0 exec notify --cool-down 2s -- ./notify.sh "build 5 ok"
expect_said 1 'notify.*closed'
expect_attempts 4
expect_status closed 2 2 1
expect 0 status
grep -q 'notify.*closed' out || fail "status does not show the closed circuit"

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
