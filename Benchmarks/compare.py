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

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "out")

# case: ours, the peers (the goal is against the better of those after the bar)
PROXIES = ["nginx", "haproxy", "caddy", "floor-epoll"]
CASES = {
    "p1": ("penstock", PROXIES),
    "p8": ("penstock", ["nginx", "haproxy", "caddy"]),
    "p7_1": ("penstock", []),
    "p7_5000": ("penstock", []),
    "f1": ("penstock", ["fn-uwsgi-event", "fn-uvicorn-nginx"]),
    "f2": ("penstock-node", ["fn-node-nginx"]),
}

# goal: case, figure, what it is compared with, at most
GOALS = [
    ("p1", "cpu_us", ["nginx"], 0.90),
    ("p1", "user_us", ["nginx"], 0.80),
    ("p8", "cpu_us", ["nginx"], 0.90),
    ("f1", "cpu_us", ["fn-uwsgi-event", "fn-uvicorn-nginx"], 0.70),
    ("f2", "cpu_us", ["fn-node-nginx"], 1.00),
]


def run_case(name, options, rounds):
    ours, peers = CASES[name]
    path = os.path.join(OUT, f"{name}.json")
    servers = ",".join([ours, *peers])
    print(f"--- {name}: {servers}", file=sys.stderr, flush=True)
    subprocess.run([os.path.join(HERE, "bench.py"), "--cases", name, "--servers", servers,
                    "--baseline", (peers or [ours])[0], "--rounds", str(rounds), "--seconds", str(options.seconds),
                    "--json", path], check=True)
    with open(path) as file:
        return json.load(file)["results"][name]


def run_cases(names, options):
    """The runs of each case by server; the two of p7, which are compared with each other, in turns and three times as
    often: two runs of the same differ by 10 %."""
    pair = {"p7_1", "p7_5000"} if {"p7_1", "p7_5000"} <= set(names) else set()
    results = {name: run_case(name, options, options.rounds) for name in names if name not in pair}
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


def failure(results, names):
    return next((f"{name}: {results[name][0]['failed']}" for name in names if "failed" in results[name][0]), None)


def judge(results):
    """Rows: goal, ours, theirs, ratio, limit, kept."""
    for case, figure, peers, limit in GOALS:
        if case not in results:
            continue
        found, ours = results[case], CASES[case][0]
        title = f"{case} {'user' if figure == 'user_us' else 'CPU'} against {' or '.join(peers)}"
        broken = failure(found, [ours, *peers])
        if broken:
            yield title, "-", "-", broken[:80], f"{limit:.2f}", "no"
            continue
        best = min(peers, key=lambda peer: median(found[peer], figure))
        value = ratio(found[ours], found[best], figure)
        yield (title, f"{median(found[ours], figure):.2f}", f"{median(found[best], figure):.2f} ({best})", f"{value:.2f}",
               f"{limit:.2f}", "yes" if value <= limit else "no")
    if {"p7_1", "p7_5000"} <= results.keys():
        one, many = results["p7_1"]["penstock"], results["p7_5000"]["penstock"]
        if "failed" not in one[0] and "failed" not in many[0]:
            value = ratio(many, one, "cpu_us")
            yield ("p7 CPU, 5,000 routes against one", f"{median(many, 'cpu_us'):.2f}", f"{median(one, 'cpu_us'):.2f}",
                   f"{value:.2f}", "1.05", "yes" if value <= 1.05 else "no")


def cold_start():
    done = subprocess.run([os.path.join(HERE, "coldstart.py"), "--json"], stdout=subprocess.PIPE, check=True)
    found = json.loads(done.stdout)
    yield ("cold start, ms over python3 -S -E -c pass", f"{found['first_response_ms']:.1f}", f"{found['python_ms']:.1f}",
           f"+{found['difference_ms']:.1f}", "+15.0", "yes" if found["difference_ms"] <= 15 else "no")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--only", default="", help="cases, and `cold`")
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else [*CASES, "cold"]
    os.makedirs(OUT, exist_ok=True)
    results = run_cases([name for name in CASES if name in wanted], options)
    rows = list(judge(results)) + (list(cold_start()) if "cold" in wanted else [])
    lines = [f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {os.uname().release}, {options.rounds} rounds of "
             f"{options.seconds} s; CPU microseconds a request, medians", "",
             "| goal | Penstock | peer | ratio | at most | kept |", "|---|---|---|---|---|---|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    print("\n" + "\n".join(lines))
    with open(os.path.join(OUT, "comparison.md"), "w") as file:
        file.write("\n".join(lines) + "\n")


main()
