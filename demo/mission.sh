#!/usr/bin/env bash
# The second scene of the demo: an agent works unattended in a git repository, and `fuseboard mission` does the
# work after it. Repository, branches, tests and merges are real; only the agent is a script. Every step is
# checked, so that the demo is a test as well.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh" || exit 1

needs git "the repository"
export GIT_PAGER=cat GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=$world/gitconfig
git config --file "$GIT_CONFIG_GLOBAL" user.name "Demo"
git config --file "$GIT_CONFIG_GLOBAL" user.email "demo@example.org"
git config --file "$GIT_CONFIG_GLOBAL" maintenance.auto false

# --- A project with a bug ----------------------------------------------------------------------------------

mkdir share sums && cd sums || fail "cannot write to $world"
cat >sums.py <<'PYTHON'
def total(numbers):
    return sum(numbers[1:])
PYTHON
cat >test_sums.py <<'PYTHON'
import unittest

from sums import total


class Total(unittest.TestCase):
    def test_every_number_counts(self):
        self.assertEqual(total([1, 2, 3]), 6)
PYTHON
echo __pycache__/ >.gitignore
cp "$here/fuseboard.toml" "$here/agent.sh" "$here/stats.sh" . || fail "cannot write to $world"
{ git init -q --initial-branch main && git add --all && git commit -q -m "Sums"; } || fail "no git repository"
python3 -m unittest 2>/dev/null && fail "the test should fail at first"

# --- What is checked here only -----------------------------------------------------------------------------

# The steps of the last mission that ended so: ✓ done or passed, ✗ failed, ✋ blocked, – skipped.
expect_steps() { # SYMBOL NAME...
    local symbol=$1 name
    shift
    for name; do
        expect_line err 1 "^fuseboard: $symbol $name  "
    done
}

expect_main() { # COMMITS SUBJECT
    local found
    found="$(git rev-list --count main) $(git log -1 --format=%s main)"
    [[ $found == "$1 $2" ]] || fail "expected $1 commits on main, the last being '$2', got: $found"
}

# --- The scene ---------------------------------------------------------------------------------------------

heading "An agent's mission, and the work after it"
tell "A repository with a failing test. Its fuseboard.toml says what follows a mission: record the cost, keep" \
    "statistics, scan the diff, run the tests, merge if both gates pass, notify. A person accepts that file once:" ""
expect 0 trust

tell "The agent makes a branch, mends the bug and commits. The pipeline takes it from there:" ""
expect 0 mission --title "mend the sum" -- ./agent.sh "mend the sum"
expect_steps ✓ cost stats scan tests merge note
expect_line err 1 'cost  .*14210 cache write, 1540 output tokens; \$0\.1127'
expect_main 2 "mend the sum"
show git log --oneline main
[[ $(git show main:sums.py) == *"sum(numbers)" ]] || fail "main should hold the mended sum"
[[ $(<../share/missions) == "mend the sum" ]] || fail "stats.sh should have counted one mission"

heading "The agent commits a key"
tell "The scan says where, and never what. A gate that does not pass holds back the merge: exit code 77." ""
expect 77 mission --title "log in to the cloud" -- ./agent.sh "log in to the cloud"
expect_steps ✓ cost stats tests note
expect_steps ✋ scan
expect_steps – merge
expect_line err 1 'merge  skipped: gate-blocked  scan: .*cloud\.py:1 \(aws-access-key\)'
expect_main 2 "mend the sum"

heading "A recorder breaks"
mv ../share ../share.gone
tell "The share with the statistics is gone. That costs no mission its merge. The second failure in a row opens" \
    "the circuit 'stats'; the third mission does not even try." ""
expect 0 mission --title "test empty lists" -- ./agent.sh "test empty lists"
expect_steps ✓ cost scan tests merge note
expect_steps ✗ stats
expect_line err 1 'the share is not mounted'
expect 0 mission --title "test negative numbers" -- ./agent.sh "test negative numbers"
expect_steps ✗ stats
expect_line err 1 'circuit OPEN'
expect_line err 1 'stats: circuit OPEN after 2 failures'
expect 0 mission --title "test large numbers" -- ./agent.sh "test large numbers"
expect_steps ✓ cost scan tests merge note
expect_steps – stats
expect_line err 1 'skipped: circuit-open  last error: .*the share is not mounted; next probe at '
expect_main 5 "test large numbers"
expect_status stats open 2 2 1

heading "Why is it off, and what happens next?"
expect 0 status stats sums/merge
expect_line out 1 '^stats +open .*the share is not mounted'
expect_line out 1 '^sums/merge +closed'
expect 0 explain stats
expect_line out 1 'Last error .*stats\.sh: the share is not mounted'
expect_line out 1 'fuseboard reset stats'

tell "What became of the missions, oldest first:" ""
expect 0 runs
expect_line out 1 'log in to the cloud +blocked +77'

tell "And the page for the morning: what was done, what it cost, and what needs somebody." ""
expect 1 brief
expect_line out 1 '5 missions: 4 done, 4 merged, 1 blocked$'
expect_line out 1 '^blocked +sums +log in to the cloud: blocked by scan'
expect_line out 1 '^circuit +stats +open, '
expect_line out 1 '^used: \$'

# --- The end -----------------------------------------------------------------------------------------------

git switch -q main && python3 -m unittest 2>/dev/null || fail "the tests on main should pass"
key=$(git show agent/cloud:cloud.py | cut -d'"' -f2)
[[ ${#key} == 20 ]] || fail "the planted key is not where it should be"
if grep -rqF -- "$key" "$world/said" "$world/state"; then
    fail "the key is shown, or kept outside of the repository"
fi
tell "Five missions: four merged, one held back, and nobody had to watch."
heading "demo: everything was as it should be"
