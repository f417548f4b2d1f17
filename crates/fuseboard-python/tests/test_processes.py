"""Threads, forks and other programs."""

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import Lines

from fuseboard import Board, CircuitBreaker, Policy, default_store


def program() -> str:
    """The program that came with the package."""
    beside = Path(sys.executable).parent / "fuseboard"
    assert beside.exists(), "the wheel carries the program"
    return str(beside)


def test_of_eight_threads_one_gets_the_probe(store: str | None, lines: Lines) -> None:
    breaker = CircuitBreaker(threshold=1, reset_after=0.05, log_fn=lines.append, store=store)
    ran: list[int] = []
    start = threading.Barrier(8)

    @breaker.guard("chat", default="skipped")
    def chat(number: int) -> str:
        ran.append(number)
        time.sleep(0.2)
        return "done"

    breaker.record_failure("chat", "down")
    time.sleep(0.1)
    answers: list[str] = []

    def call(number: int) -> None:
        start.wait()
        answers.append(chat(number))

    threads = [threading.Thread(target=call, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(ran), answers.count("done"), answers.count("skipped")) == (1, 1, 7)
    assert lines.count("[circuit_breaker] chat: circuit OPEN, skipped 1 call(s) (last error: down)") == 1


def test_threads_lose_no_count(store: str | None) -> None:
    board = Board(store, exact_totals=True)
    circuit = board.circuit("count")

    def call() -> None:
        for _ in range(50):
            circuit.run(int)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    view = board.view("count")
    assert view is not None and view.totals["success"] == 400


def test_other_threads_run_while_a_file_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "state" / "state.db"
    circuit = Board(f"sqlite:{path}").circuit("chat")
    circuit.run(int)
    # Somebody holds the file: a report has to wait for it, and nobody else.
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    ended = threading.Event()

    def call() -> None:
        circuit.run(int)
        ended.set()

    thread = threading.Thread(target=call)
    thread.start()
    counted = 0
    while not ended.is_set() and counted < 10_000_000:
        counted += 1
        if counted == 1000:
            assert not ended.is_set(), "it waits"
            holder.communicate("")
    thread.join()
    assert 1000 <= counted


HOLD = """
import sqlite3, sys
file = sqlite3.connect(sys.argv[1], isolation_level=None)
file.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
file.execute("COMMIT")
"""


def test_python_and_the_program_share_one_file(tmp_path: Path) -> None:
    store = f"sqlite:{tmp_path}/state/state.db"
    environment = {**os.environ, "FUSEBOARD_STORE": store, "HOME": str(tmp_path)}
    for _ in range(2):
        ran = subprocess.run([program(), "exec", "notify", "--", "false"], env=environment, capture_output=True)
        assert ran.returncode == 1, ran.stderr
    breaker = CircuitBreaker(store=store)
    assert breaker.is_open("notify") and "notify" in breaker.open_circuits
    breaker.reset()
    assert not breaker.open_circuits
    breaker.record_failure("stats", "share not mounted")
    told = subprocess.run([program(), "status", "--format", "json"], env=environment, capture_output=True, check=True)
    circuits = {circuit["name"]: circuit for circuit in json.loads(told.stdout)["circuits"]}
    assert (circuits["notify"]["state"], circuits["stats"]["failures"]) == ("closed", 1)


def test_the_default_store_is_that_of_the_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FUSEBOARD_STORE", "STATE_DIRECTORY", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in [("XDG_STATE_HOME", tmp_path / "state"), ("STATE_DIRECTORY", tmp_path / "own")]:
        monkeypatch.setenv(name, str(value))
        subprocess.run([program(), "exec", "job", "--", "true"], check=True)
        view = Board(default_store()).view("job")
        assert view is not None and view.totals["success"] == 1, default_store()


def fork_and(call: "multiprocessing.process.BaseProcess") -> None:
    call.start()
    call.join()
    assert call.exitcode == 0


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_after_a_fork_the_file_is_opened_anew(store: str | None) -> None:
    context = multiprocessing.get_context("fork")
    board = Board(store, exact_totals=True)
    circuit = board.circuit("job")
    circuit.run(int)

    def child() -> None:
        for _ in range(20):
            circuit.run(int)
        view = board.view("job")
        assert view is not None and view.totals["success"] >= 21

    children = [context.Process(target=child) for _ in range(3)]
    for each in children:
        each.start()
    for _ in range(20):
        circuit.run(int)
    for each in children:
        each.join()
        assert each.exitcode == 0
    view = board.view("job")
    assert view is not None
    # Memory is each process's own; a file is everybody's.
    assert view.totals["success"] == (21 if store is None else 81)


DAEMON = """
import os, sys, time
import fuseboard
board = fuseboard.Board(sys.argv[1], exact_totals=True)
circuit = board.circuit("daemon")
circuit.run(int)
if os.fork():
    os._exit(0)  # as every daemon's parent does
print("forked", flush=True)
sys.stdin.readline()
for _ in range(200):
    circuit.run(int)
print("done", flush=True)
"""


def test_a_daemon_whose_parent_is_gone_shares_its_file_with_others(tmp_path: Path) -> None:
    store = f"sqlite:{tmp_path}/state/state.db"
    daemon = subprocess.Popen(
        [sys.executable, "-c", DAEMON, store], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert daemon.stdout is not None and daemon.stdin is not None and daemon.stdout.readline() == "forked\n"
    circuit = Board(store, exact_totals=True).circuit("daemon")
    circuit.run(int)
    daemon.stdin.write("\n")
    daemon.stdin.flush()
    for _ in range(200):
        subprocess.run([program(), "status", "--store", store], check=True, stdout=subprocess.DEVNULL)
        circuit.run(int)
        if daemon.poll() is not None:
            break
    assert daemon.stdout.readline() == "done\n", "it was killed"
    daemon.communicate()
    view = Board(store).view("daemon")
    assert view is not None and view.totals["success"] >= 203


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forks_while_other_threads_use_the_board_neither_hang_nor_wait(store: str | None) -> None:
    board = Board(store)
    ended = threading.Event()

    def busy() -> None:
        circuit = board.circuit("busy", Policy(trip_after=1_000_000))
        while not ended.is_set():
            circuit.record_failure("down")

    threads = [threading.Thread(target=busy) for _ in range(2)]
    for thread in threads:
        thread.start()
    children = []
    for _ in range(10):
        child = os.fork()
        if child == 0:
            signal.alarm(20)  # it must not hang
            Board(store).circuit("own").record_failure("down")
            board.circuit("other").record_failure("down")
            os._exit(0)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    ended.set()
    for thread in threads:
        thread.join()
    assert codes == [0] * 10


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_permit_is_settled_by_the_process_that_it_was_given_to(tmp_path: Path) -> None:
    board = Board(f"sqlite:{tmp_path}/state/state.db", exact_totals=True)
    permit = board.circuit("job").permit()

    def child() -> None:
        with pytest.raises(RuntimeError, match="of another process"):
            permit.failure("not mine")

    fork_and(multiprocessing.get_context("fork").Process(target=child))
    permit.success()
    view = board.view("job")
    assert view is not None and (view.totals["success"], view.totals["failure"]) == (1, 0)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_of_a_fork_opens_what_its_parent_sees(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    breaker = CircuitBreaker(store=f"sqlite:{tmp_path}/state/state.db", log_fn=str)
    breaker.record_failure("chat", "down")
    fork_and(context.Process(target=breaker.record_failure, args=["chat", "down"]))
    assert breaker.is_open("chat")


def test_the_program_is_there_and_says_its_version() -> None:
    assert shutil.which("fuseboard", path=str(Path(sys.executable).parent))
    assert subprocess.run([program(), "--version"], capture_output=True, check=True).stdout.startswith(b"fuseboard ")


SUB_INTERPRETER = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
told = interpreters.run_string(interpreters.create(), '''
try:
    import fuseboard
except ImportError as error:
    print(error, flush=True)
''')
assert told is None, told
"""


def test_a_sub_interpreter_is_refused() -> None:
    ran = subprocess.run([sys.executable, "-c", SUB_INTERPRETER], capture_output=True, text=True)
    assert ran.returncode == 0 and "cannot be used in a sub-interpreter" in ran.stdout, (ran.stdout, ran.stderr)
