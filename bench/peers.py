#!/usr/bin/env python3
"""Compares our matcher with others on the same instances: `make bench-peers`.

Installs the others, pinned by hash, into target/bench/venv; lets the `peers` binary write instances,
our times and what we place; runs everybody; prints one table and puts the figures into
target/bench/summary.json. Exits 0 if all was measured and all that must agree agrees, 2 if the
packages cannot be installed (0 with --if-online, which says so).
"""

import argparse
import hashlib
import importlib.metadata
import os
import platform
import subprocess
import sys
import threading
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
VENV = TARGET / "bench" / "venv"
REQUIREMENTS = ROOT / "bench" / "requirements.txt"
FOLDER = TARGET / "bench" / "peers"
PEERS = ("ortools", "matching", "lap")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--if-online", action="store_true", help="without the packages, say so and succeed")
    arguments = options.parse_args()
    if Path(sys.prefix).resolve() == VENV:
        return deeply(measure)
    if not installed():
        print(
            "peers: not measured: their packages could not be installed (offline?); pip's reason is above",
            file=sys.stderr,
        )
        return 0 if arguments.if_online else 2
    return subprocess.call([VENV / "bin" / "python", __file__, *sys.argv[1:]])


def installed():
    """Makes the private environment, unless it already is what requirements.txt says."""
    stamp, wanted = VENV / "installed", hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return True
    venv.create(VENV, clear=True, with_pip=True)
    pip = [VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pinned = ["--require-hashes", "--only-binary", ":all:", "--requirement", REQUIREMENTS]
    if subprocess.call([*pip, *pinned]) != 0:
        return False
    stamp.write_text(wanted)
    return True


def deeply(work):
    """Runs the work with room for `matching`, which copies its players by recursion."""
    sys.setrecursionlimit(10**6)
    threading.stack_size(2**29)
    result = []
    thread = threading.Thread(target=lambda: result.append(work()))
    thread.start()
    thread.join()
    return result[0] if result else 1


def measure():
    """Everything, inside the private environment."""
    sys.dont_write_bytecode = True
    from compare import report, run

    began = time.monotonic()
    say(f"instances into {FOLDER}")
    subprocess.run([TARGET / "release" / "peers", FOLDER], check=True)
    results, weights = run.compare(FOLDER, say)
    run.check(results)
    print(machine())
    print(
        "Times are the best of several runs for ours and the naive one, single runs for the others; shared cores make them noisy."
    )
    print("'of best' is the share of the optimum, or of the least upper bound where no optimum is known.\n")
    print(report.matchers_table(results), "\n")
    print(
        "GPUs placed by weights, as a share of the same bounds; means over the GPUs placed; scores by the default weights\n"
    )
    print(report.weights_table(weights), "\n")
    summary = TARGET / "bench" / "summary.json"
    report.merge(summary, report.summary_rows(results, weights))
    print(f"{summary}; {time.monotonic() - began:.0f} s")
    return 0


def machine():
    """This machine and the versions, in a line."""
    about = Path("/proc/cpuinfo")
    models = (
        [line for line in about.read_text().splitlines() if line.startswith("model name")]
        if about.exists()
        else []
    )
    cpu = models[0].split(": ", 1)[1] if models else platform.processor() or "unknown processor"
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PEERS)
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{cpu}, {os.cpu_count()} cores, {system}, {versions}"


def say(what):
    """Progress, for whoever waits."""
    print(f"peers: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
