"""What a long history costs: a million events and a million outcomes, half of them due to be forgotten."""

import argparse
import json
import os
import pathlib
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

ROWS = 1_000_000
DAY_MS = 86_400_000
STATUS_MS = 50
PRUNING_MS = 25


def filled(path: pathlib.Path) -> None:
    """Rows over 180 days, of which 90 are kept."""
    now = int(time.time() * 1000)
    step = 180 * DAY_MS / ROWS
    moments = [now - 180 * DAY_MS + int(number * step) for number in range(ROWS)]
    database = sqlite3.connect(path)
    database.executemany(
        "INSERT INTO events (at, circuit, event, cause, failures, probe_at) VALUES (?, ?, 'opened', ?, 2, ?)",
        ((at, f"app{n % 300}", "exited with code 1: connection refused", at + 300_000) for n, at in enumerate(moments)),
    )
    database.executemany(
        "INSERT INTO outcomes (at, circuit, outcome, failure, duration_ms) VALUES (?, ?, 'failure', 'exit', 5)",
        ((at, f"app{n % 300}") for n, at in enumerate(moments)),
    )
    database.commit()
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=15, help="calls of each (15)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("target/bench"), help="where history.json goes")
    options = parser.parse_args()
    program = os.environ.get("FUSEBOARD_BIN", "target/release/fuseboard")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "state", "state.db")
        environment = {**os.environ, "FUSEBOARD_STORE": f"sqlite:{path}", "XDG_STATE_HOME": folder}
        environment.pop("FUSEBOARD_RUN", None)

        def took(words: list[str]) -> list[float]:
            samples = []
            for _ in range(options.samples):
                start = time.perf_counter()
                subprocess.run([program, "-q", *words], env=environment, stdout=subprocess.DEVNULL, check=False)
                samples.append((time.perf_counter() - start) * 1000)
            return samples

        fails = ["exec", "--trip-after", "100000", "app1", "--", "false"]
        fresh = took(fails)
        filled(path)
        measured = {
            "`status`": took(["status"]),
            "`history NAME`": took(["history", "app1"]),
            "`explain NAME`": took(["explain", "app1"]),
            "`exec` that fails, and prunes": took(fails),
        }
    pruning = max(measured["`exec` that fails, and prunes"]) - statistics.median(fresh)
    targets = [("status, median", statistics.median(measured["`status`"]), STATUS_MS), ("the slowest exec, above a fresh store", pruning, PRUNING_MS)]
    text = f"## A long history\n\n{ROWS} events and as many outcomes, half of them older than 90 days, {options.samples} samples\n\n"
    text += "| what | minimum ms | median ms | maximum ms |\n| --- | ---: | ---: | ---: |\n"
    for what, samples in measured.items():
        text += f"| {what} | {min(samples):.1f} | {statistics.median(samples):.1f} | {max(samples):.1f} |\n"
    text += "\n| target | measured | at most | ratio |\n| --- | ---: | ---: | ---: |\n"
    for what, value, most in targets:
        text += f"| {what} | {value:.1f} ms | {most} ms | {value / most:.2f} |\n"
    sys.stdout.write(text)
    told = {
        "schema": "fuseboard.bench-history/1",
        "rows": [{"what": what, "minimum_ms": min(each), "median_ms": statistics.median(each), "maximum_ms": max(each)} for what, each in measured.items()],
        "targets": [{"what": what, "measured": value, "target": most} for what, value, most in targets],
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "history.json").write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
