#!/usr/bin/env python3
"""The comparison that the project is judged by: compare.py [--rounds 5] [--seconds 3] [--only p1,f2]

Runs bench.py for every case with its candidates interleaved, then says for each goal what was measured: medians, and
medians of the ratios taken within a round. Everything goes to out/ too. Quiet the machine first."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import bench
import syscalls

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "out")

# case: ours, and the peers that run beside it
CASES = {
    "p1": ("penstock", ["nginx", "haproxy", "caddy", "floor-epoll", "penstock-epoll"]),
    "p1log": ("penstock", ["nginx", "penstock-epoll"]),
    "p2": ("penstock", ["nginx", "penstock-epoll"]),
    "p5_16k": ("penstock", ["nginx", "nghttpx", "penstock-epoll"]),
    "p5_1m": ("penstock", ["nginx", "nghttpx"]),
    "p5_up": ("penstock", ["nginx", "nghttpx"]),
    "p6": ("penstock", ["nginx", "haproxy"]),
    "p7_1": ("penstock", []),
    "p7_5000": ("penstock", []),
    "p8": ("penstock", ["nginx", "haproxy", "caddy", "penstock-epoll"]),
    "p9_64_30": ("penstock", ["nginx", "penstock-epoll"]),
    "p9_64_70": ("penstock", ["nginx", "penstock-epoll"]),
    "p9_1000_30": ("penstock", ["nginx", "penstock-epoll"]),
    "p9_1000_70": ("penstock", ["nginx", "penstock-epoll"]),
    "f1": ("penstock", ["fn-uwsgi-event", "fn-uvicorn-nginx"]),
    "f2": ("penstock-node", ["fn-node-nginx"]),
}

# figure: its name, its unit, digits
FIGURES = {
    "cpu_us": ("CPU", 1, 2),
    "user_us": ("user time", 1, 2),
    "bytes_per_conn": ("bytes a connection", 1, 0),
    "peak_rss": ("peak RSS, MiB", 2**20, 1),
    "p99": ("p99, us", 1, 0),
    "p999": ("p99.9, us", 1, 0),
}

# goal: case, figure, peers (of several the better one counts), at most
GOALS = [
    ("p1", "cpu_us", ["nginx"], 0.85),
    ("p1", "cpu_us", ["haproxy"], 0.90),
    ("p1", "user_us", ["nginx"], 0.70),
    ("p1log", "cpu_us", ["nginx"], 0.90),
    ("p2", "cpu_us", ["nginx"], 0.75),
    ("p5_16k", "cpu_us", ["nginx"], 0.80),
    ("p5_16k", "cpu_us", ["nghttpx"], 0.95),
    ("p5_1m", "cpu_us", ["nginx"], 0.80),
    ("p5_1m", "cpu_us", ["nghttpx"], 0.95),
    ("p5_up", "cpu_us", ["nginx"], 1.00),
    ("p6", "bytes_per_conn", ["nginx"], 0.50),
    ("p8", "cpu_us", ["nginx"], 0.85),
    *[(case, figure, ["nginx"], 1.00) for case in CASES if case.startswith("p9") for figure in ("p99", "p999")],
    ("f1", "cpu_us", ["fn-uwsgi-event", "fn-uvicorn-nginx"], 0.70),
    ("f2", "cpu_us", ["fn-node-nginx"], 1.00),
]

# goal of ours against ours in another case: case, the other, figure, at most. The two of p7 take turns; of p5 it is the
# memory, which must not grow with the body.
OWN_GOALS = [
    ("p7_5000", "p7_1", "cpu_us", 1.05),
    ("p5_1m", "p5_16k", "peak_rss", 1.10),
    ("p5_up", "p5_16k", "peak_rss", 1.10),
]
OPEN_SECONDS = 5        # an open loop runs no shorter: its p99.9 is of one request in a thousand


def run_case(name, options, rounds, highest_rate=None):
    ours, peers = CASES[name]
    path = os.path.join(OUT, f"{name}.json")
    servers = ",".join([ours, *peers])
    seconds = max(options.seconds, OPEN_SECONDS) if "closed" in bench.CASES[name] else options.seconds
    print(f"--- {name}: {servers}", file=sys.stderr, flush=True)
    subprocess.run([os.path.join(HERE, "bench.py"), "--cases", name, "--servers", servers,
                    "--baseline", (peers or [ours])[0], "--rounds", str(rounds), "--seconds", str(seconds),
                    *(["--highest-rate", str(highest_rate)] if highest_rate else []), "--json", path], check=True)
    with open(path) as file:
        return json.load(file)["results"][name]


def run_cases(names, options):
    """The runs of each case by server; the two of p7, which are compared with each other, in turns and three times as
    often: two runs of the same differ by 10 %. Open loops go by the highest rate that nginx had just before."""
    pair = {"p7_1", "p7_5000"} if {"p7_1", "p7_5000"} <= set(names) else set()
    results = {}
    for name in names:
        if name in pair:
            continue
        closed = results.get(bench.CASES[name].get("closed"))
        known = closed and "failed" not in closed["nginx"][0]
        results[name] = run_case(name, options, options.rounds, median(closed["nginx"], "rps") if known else None)
    for _ in range(3 * options.rounds if pair else 0):
        for name in sorted(pair):
            for server, runs in run_case(name, options, 1).items():
                results.setdefault(name, {}).setdefault(server, []).extend(runs)
    return results


def median(runs, figure):
    return statistics.median(run[figure] for run in runs)


def ratio(ours, theirs, figure):
    """The median of the ratios within a round, whose noise both sides share."""
    return statistics.median(a[figure] / b[figure] for a, b in zip(ours, theirs))


def row(title, figure, ours, theirs, peer, limit):
    """Goal, ours, theirs, ratio, limit, kept."""
    broken = next((run["failed"] for run in (ours[0], theirs[0]) if "failed" in run), None)
    if broken:
        return title, "-", "-", broken[:80], f"{limit:.2f}", "no"
    _, unit, digits = FIGURES[figure]
    text = [f"{median(runs, figure) / unit:,.{digits}f}" for runs in (ours, theirs)]
    value = ratio(ours, theirs, figure)
    return title, text[0], f"{text[1]} ({peer})", f"{value:.2f}", f"{limit:.2f}", "yes" if value <= limit else "no"


def judge(results):
    for case, figure, peers, limit in GOALS:
        if case not in results:
            continue
        found, ours = results[case], CASES[case][0]
        best = min(peers, key=lambda peer: median(found[peer], figure) if "failed" not in found[peer][0] else 0)
        title = f"{case} {FIGURES[figure][0]} against {' or '.join(peers)}"
        yield row(title, figure, found[ours], found[best], best, limit)
    for case, other, figure, limit in OWN_GOALS:
        if {case, other} <= results.keys():
            ours, theirs = results[case][CASES[case][0]], results[other][CASES[other][0]]
            yield row(f"{case} {FIGURES[figure][0]} against {other}", figure, ours, theirs, other, limit)


def system_calls():
    """Those of a request of p1, against the least with which a proxy can get by."""
    found = {name: sum(calls.values()) for name, calls in syscalls.count(bench.CASES["p1"], ["penstock", "floor-epoll"])}
    ours, floor = found["penstock"], found["floor-epoll"]
    yield ("p1 system calls a request", f"{ours:.2f}", f"{floor:.2f} (floor-epoll)", f"{ours / floor:.2f}", "1.00",
           "yes" if round(ours / floor, 2) <= 1 else "no")


def metrics():
    """What is counted of a proxied request, in memory: nanoseconds."""
    command = ["swift", "run", "-c", "release", "--package-path", os.path.join(HERE, "codec"), "exchange"]
    lines = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    found = {name.strip(): float(figure) for name, _, figure in (line.rpartition(" ") for line in lines)}
    value = found["its counters"] + found["those of an upstream's answer"]
    yield "metrics of a proxied request, ns", f"{value:.0f}", "-", "-", "60", "yes" if value <= 60 else "no"


def busy_loop():
    """Two loops, of which one is kept busy: the p99 on the other, against what it is without that."""
    path = os.path.join(OUT, "p10.json")
    subprocess.run([os.path.join(HERE, "busy_loop.py"), "--json", path], stdout=subprocess.DEVNULL, check=False)
    with open(path) as file:
        found = json.load(file)
    yield ("p10 p99 beside a busy loop, ms", f"{found['beside_p99_ms']:.2f}", f"{found['alone_p99_ms']:.2f} (alone)",
           f"{found['ratio']:.2f}", f"{found['at_most']:.2f}", "yes" if found["kept"] else "no")


def cold_start():
    done = subprocess.run([os.path.join(HERE, "coldstart.py"), "--json"], stdout=subprocess.PIPE, check=True)
    found = json.loads(done.stdout)
    yield ("cold start, ms over python3 -S -E -c pass", f"{found['first_response_ms']:.1f}", f"{found['python_ms']:.1f}",
           f"+{found['difference_ms']:.1f}", "+15.0", "yes" if found["difference_ms"] <= 15 else "no")


EXTRA = {"calls": system_calls, "metrics": metrics, "p10": busy_loop, "cold": cold_start}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--only", default="", help="cases, and of " + ", ".join(EXTRA))
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else [*CASES, *EXTRA]
    os.makedirs(OUT, exist_ok=True)
    results = run_cases([name for name in CASES if name in wanted], options)
    rows = [*judge(results), *(found for name, rows in EXTRA.items() if name in wanted for found in rows())]
    lines = [f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {os.uname().release}, {options.rounds} rounds of "
             f"{options.seconds} s; CPU microseconds a request, medians", "",
             "| goal | Penstock | peer | ratio | at most | kept |", "|---|---|---|---|---|---|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    print("\n" + "\n".join(lines))
    with open(os.path.join(OUT, "comparison.md"), "w") as file:
        file.write("\n".join(lines) + "\n")


main()
