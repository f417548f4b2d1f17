# What the scenes of the demo share; sourced, never run. It gives a scene a world of its own in $world, which is
# gone when the scene ends, and words to tell, to run the program and to check what came of it.
# The program is $FUSEBOARD_BIN, else target/debug/fuseboard.
# shellcheck shell=bash
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

needs() { # PROGRAM WHAT-FOR
    command -v "$1" >/dev/null || fail "$1 is needed for $2"
}

[[ -x $program ]] || fail "no program at $program; build it with: cargo build --bin fuseboard"
needs python3 "the checks"

# --- A world of its own, which leaves nothing behind -------------------------------------------------------

world=$(mktemp -d) && world=$(cd "$world" && pwd -P) || fail "no temporary folder"
leave() { rm -rf "$world"; }
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Neither the user's settings nor those of a mission or a git hook in which the demo may be played.
unset "${!FUSEBOARD@}" "${!GIT_@}" STATE_DIRECTORY
export HOME=$world/home XDG_CONFIG_HOME=$world/config XDG_STATE_HOME=$world/state XDG_RUNTIME_DIR=$world/runtime
export NO_COLOR=1
mkdir "$HOME" "$XDG_RUNTIME_DIR" && cd "$world" || fail "cannot make $world"

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

# Shows a command as one would type it, then runs it.
show() {
    printf '%s$ %s%s\n' "$bold" "$(typed "$@")" "$plain"
    "$@"
}

# expect CODE ARGUMENTS...: shows the command, runs it, shows what it said and compares the exit code.
# Leaves what it said in $world/out and $world/err (all of it so far in $world/said) and the milliseconds in $took.
expect() {
    local wanted=$1 code start end
    shift
    printf '%s$ fuseboard %s%s\n' "$bold" "$(typed "$@")" "$plain"
    start=${EPOCHREALTIME/./}
    "$program" "$@" >"$world/out" 2>"$world/err"
    code=$?
    end=${EPOCHREALTIME/./}
    took=$(((end - start) / 1000))
    # An agent's result is one very long line.
    sed -E 's/^/  /; s/^(  \{.{90}).+/\1 .../' "$world/out" "$world/err"
    cat "$world/out" "$world/err" >>"$world/said"
    printf '%s  exit code %s, %s ms%s\n\n' "$dim" "$code" "$took" "$plain"
    [[ $code == "$wanted" ]] || fail "expected exit code $wanted"
}

# What the last command said, as lines that match.
expect_line() { # out|err COUNT PATTERN
    local count
    count=$(grep -cE -- "$3" "$world/$1")
    [[ $count == "$2" ]] || fail "expected $2 line(s) with '$3', got $count"
}

# expect_status NAME STATE SUCCESS FAILURE SKIPPED, as scripts read it.
expect_status() {
    local seen
    seen=$("$program" status "$1" --format json | python3 -c '
import json, sys
circuit, = json.load(sys.stdin)["circuits"]
totals = circuit["totals"]
print(circuit["name"], circuit["state"], totals["success"], totals["failure"], totals["skipped"])
') || fail "status --format json cannot be read"
    [[ $seen == "$*" ]] || fail "expected '$*' (name, state, successes, failures, skips), got '$seen'"
}

# Polls COMMAND for up to ten seconds.
eventually() {
    local tries=100
    until "$@"; do
        ((--tries)) || return 1
        sleep 0.1
    done
}
