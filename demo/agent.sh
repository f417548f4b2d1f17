#!/usr/bin/env bash
# The demo's agent. What it does to the repository is real: a branch, a change, a commit. It thinks less than
# `claude -p --output-format json` does, but what it prints at the end has the same form.
set -euo pipefail

commit() { # BRANCH SUBJECT
    git switch -q -c "agent/$1" main
    "$1"
    git add --all
    git commit -q -m "$2"
}

mend() {
    sed -i.bak 's/numbers\[1:\]/numbers/' sums.py
    rm sums.py.bak
}

# In two halves: this file is no place for a key either.
cloud() {
    printf 'KEY = "%s%s"\n' AKIA QY7M2ZK4WD3RTX6B >cloud.py
}

empty() {
    printf '\n    def test_nothing_is_zero(self):\n        self.assertEqual(total([]), 0)\n' >>test_sums.py
}

negative() {
    printf '\n    def test_debts_count(self):\n        self.assertEqual(total([5, -7]), -2)\n' >>test_sums.py
}

large() {
    printf '\n    def test_nothing_overflows(self):\n        self.assertEqual(total([2**64, 1]), 2**64 + 1)\n' >>test_sums.py
}

case $1 in
    "mend the sum") commit mend "Sum from the first number on" ;;
    "log in to the cloud") commit cloud "Log in to the cloud" ;;
    "test empty lists") commit empty "Test that nothing is zero" ;;
    "test negative numbers") commit negative "Test that debts count" ;;
    "test large numbers") commit large "Test that nothing overflows" ;;
esac

cat <<RESULT
{"type":"result","subtype":"success","is_error":false,"api_error_status":null,"duration_ms":48213,"duration_api_ms":45110,"num_turns":9,"result":"Done: $1.","stop_reason":"end_turn","session_id":"$(python3 -c 'import uuid; print(uuid.uuid4())')","total_cost_usd":0.1127,"usage":{"input_tokens":38,"cache_creation_input_tokens":14210,"cache_read_input_tokens":120544,"output_tokens":1540,"service_tier":"standard"},"modelUsage":{"claude-sonnet-4-5-20250929":{"inputTokens":38,"outputTokens":1540,"cacheReadInputTokens":120544,"cacheCreationInputTokens":14210,"webSearchRequests":0,"costUSD":0.1127,"contextWindow":200000}},"permission_denials":[]}
RESULT
