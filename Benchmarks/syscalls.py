#!/usr/bin/env python3
"""System calls per request of the candidates (needs strace).   syscalls.py CASE SERVER...    (wrk and h2load cases)"""
import os, re, subprocess, sys, tempfile, time
import bench

def folder(name):
    """A candidate's folder: below servers/, or beside it."""
    return next(f for f in (f"{bench.HERE}/servers/{name}", f"{bench.HERE}/{name}") if os.path.exists(f))

class Options:
    workers, server_cpus, load_cpus = 2, None, None

def count(case, names):
    """Yields each name with its calls per request, by the call's name, the most frequent first."""
    for i, k in enumerate(bench.PORT):
        bench.PORT[k] = 27800 + i
    bench.build()
    o = Options()
    with tempfile.TemporaryDirectory(prefix="bench-") as o.tmp:
        os.chmod(o.tmp, 0o755)
        bench.make_certificate(o.tmp)
        origin = bench.Group()
        origin.start([f"{bench.BUILD}/origin", str(bench.PORT["ORIGIN"])], subprocess.DEVNULL)
        try:
            for name in names:
                yield name, trace(bench.Server(folder(name)), case, o)
        finally:
            origin.stop()

def trace(server, case, o):
    run = tempfile.mkdtemp(dir=o.tmp)
    os.chmod(run, 0o777)
    try:
        server.start(o, run, case.get("params", {}))
        server.check(case, 10)
        pids = [x for p in server.group.pids() for x in ("-p", str(p))]
        strace = subprocess.Popen(["strace", "-f", "-c", "-U", "calls,name", "-o", f"{run}/strace", *pids], stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        r = getattr(bench, case["load"])(case, 1, o)
        strace.terminate(); strace.wait()
        with open(f"{run}/strace") as f:
            calls = [(int(m[1]), m[2]) for m in re.finditer(r"^\s*(\d+) (\w+)$", f.read(), re.M) if m[2] != "total"]
        return {name: n / r["requests"] for n, name in sorted(calls, reverse=True)}
    finally:
        server.group.stop()

if __name__ == "__main__":
    for name, calls in count(bench.CASES[sys.argv[1]], sys.argv[2:]):
        print(f"{name}: {sum(calls.values()):.2f} per request;", ", ".join(f"{s} {n:.2f}" for s, n in calls.items() if n > 0.01), flush=True)
