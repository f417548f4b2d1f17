#!/bin/sh
# Stands in for a coding agent: a branch, a commit, and at the end a result of the form that
# `claude -p --output-format json` prints. `./agent.sh blanks` leaves blanks at a line's end, which a gate finds.
set -eu

case ${1:-} in
    blanks) branch=agent/blanks line='Good night.   ' ;;
    *) branch=agent/greet line='Good morning.' ;;
esac

git switch -q -c "$branch" main
printf '%s\n' "$line" >>greeting.txt
git commit -q -a -m "Greet: ${line%% *}"

printf '%s\n' '{"type":"result","subtype":"success","is_error":false,"result":"Done.","session_id":"example-'$$'","total_cost_usd":0.0123,"usage":{"input_tokens":12,"cache_creation_input_tokens":0,"cache_read_input_tokens":900,"output_tokens":80}}'
