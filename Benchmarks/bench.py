#!/usr/bin/env python3
"""Compares reverse proxies, gateways and function hosts on one machine. See README.md.

    bench.py --list
    bench.py --cases p1,p3 --servers nginx,haproxy --rounds 3 --json out.json

Every candidate is a folder below servers/ with a server.toml and config templates (*.in); every case is an entry of
CASES. For each case the candidates run interleaved (A B C, A B C, ...). A candidate is started, its answer is checked
(status, HTTP version, body), it is warmed up, loaded and stopped. Reported: medians over the rounds.
Python 3.11+, standard library only."""
import argparse, glob, json, os, re, resource, shlex, shutil, signal, socket, statistics, subprocess, sys, tempfile, time, tomllib

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("BENCH_BUILD", f"{HERE}/build")      # the compiled C parts
VENV = os.environ.get("BENCH_VENV", f"{HERE}/venv")         # requirements.txt, for the Python hosts
HELLO, HELLO_FN = b"Hello, world\n", b"Hello"
TICK = os.sysconf("SC_CLK_TCK")
PORT = {        # set from --port
    "ORIGIN": 0, "H1": 0, "H2C": 0, "TLS": 0, "AUX": 0,
}

# ---- the cases ------------------------------------------------------------------------------------------------------
# load: wrk | h2load | ab | idle | open_loop; front: which listener (H1, H2C, TLS); need: features that the server must have.
def case(doc, load="wrk", front="H1", path="/", body=HELLO, need="proxy", **more):
    return dict(doc=doc, load=load, front=front, path=path, body=body, need=need.split(), **more)

X16K, X1M = b"x" * (16 << 10), b"x" * (1 << 20)
H2 = "-c16 -m32"
BROWSER = [     # what a browser sends beside Host: about 500 bytes
    "user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "accept-language: en-US,en;q=0.7,de;q=0.3", "accept-encoding: gzip, deflate, br, zstd", "dnt: 1",
    "referer: https://shop.example.com/catalogue/page/7", "sec-fetch-dest: document", "sec-fetch-mode: navigate",
    "cookie: session=4f1c2a9be07d4c8f9a1e; theme=dark; consent=1",
]

def open_case(closed, conns, share, params={}):
    """A share of the highest rate that nginx reaches in a closed case."""
    return case(f"open loop at {share:.0%} of nginx's highest rate in {closed}, {conns:,} connections", "open_loop",
                conns=conns, closed=closed, share=share, params=params)

MANY = {"KEEP": 1024}
CASES = {
    "p1":      case("HTTP/1.1 GET, 13-byte body, 64 connections"),
    "p1bare":  case("the same, with no field but Host", bare=True),
    "p1log":   case("the same, access log on", need="proxy log", params={"LOG": "on"}),
    "p2":      case("HTTP/1.1 GET, 13-byte body, 1,000 connections, up to 1,024 idle upstream connections", conns=1000, params=MANY),
    "p2few":   case("the same with up to 128 idle upstream connections: the rest is closed and opened again", conns=1000),
    "p3":      case("h2c (prior knowledge) GET, 16 connections x 32 streams", "h2load", "H2C", need="proxy h2c", args=H2),
    "p4h1":    case("TLS, HTTP/1.1 GET, 64 connections", front="TLS", need="proxy tls"),
    "p4h2":    case("TLS, HTTP/2 GET, 16 connections x 32 streams", "h2load", "TLS", need="proxy tlsh2", args=H2),
    "p4hs":    case("TLS full handshakes: one connection per request, 16 at a time, answered by the gateway itself",
                    "ab", "TLS", "/fixed", need="tls fixed", args="-c16"),
    "p5_16k":  case("HTTP/1.1 GET, 16 KiB body, 64 connections", path="/16k", body=X16K),
    "p5_1m":   case("HTTP/1.1 GET, 1 MiB body, 16 connections", path="/1m", body=X1M, conns=16),
    "p5_1mtls":case("TLS, HTTP/1.1 GET, 1 MiB body, 16 connections", front="TLS", path="/1m", body=X1M, conns=16, need="proxy tls"),
    "p5_up":   case("HTTP/1.1 POST of 10 MiB, 8 connections", path="/up", conns=8, need="proxy upload", upload=10 << 20),
    "p6":      case("memory: 10,000 idle keep-alive connections", "idle", count=10000),
    "p6tls":   case("memory: 2,000 idle TLS connections", "idle", "TLS", need="proxy tls", count=2000),
    "p7_1":    case("the last of 1 route", path="/r/0", need="proxy routes", params={"ROUTES": 1}),
    "p7_100":  case("the last of 100 routes", path="/r/99", need="proxy routes", params={"ROUTES": 100}),
    "p7_5000": case("the last of 5,000 routes", path="/r/4999", need="proxy routes", params={"ROUTES": 5000}),
    "p8":      case("a fixed response from the gateway itself, 64 connections", path="/fixed", need="fixed"),
    "p8h2c":   case("the same by h2c, 16 x 32", "h2load", "H2C", "/fixed", need="fixed h2c", args=H2),
    "p9_64_30":   open_case("p1", 64, 0.3),
    "p9_64_70":   open_case("p1", 64, 0.7),
    "p9_1000_30": open_case("p2", 1000, 0.3, MANY),
    "p9_1000_70": open_case("p2", 1000, 0.7, MANY),
    "f1":      case("Python hello handler, 32 connections", path="/hello", body=HELLO_FN, need="python", conns=32, origin=False),
    "f2":      case("Node hello handler, 32 connections", path="/hello", body=HELLO_FN, need="node", conns=32, origin=False),
}

# ---- processes ------------------------------------------------------------------------------------------------------
def stat_fields(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()
    except OSError:
        return None

class Group:
    """A set of processes: the sessions in which we started them, and every descendant, in whatever session."""
    def __init__(self):
        self.procs = []

    def start(self, cmd, log, env=None, cpus=None):
        pin = (lambda: os.sched_setaffinity(0, cpus)) if cpus else None
        self.procs.append(subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env,
                                           start_new_session=True, preexec_fn=pin))

    def pids(self):
        ids = {str(p.pid) for p in self.procs}
        all = {pid: f for pid in filter(str.isdigit, os.listdir("/proc")) if (f := stat_fields(pid))}
        def ours(pid):
            while pid in all:
                if pid in ids or all[pid][3] in ids:
                    return True
                pid = all[pid][1]
            return False
        return [int(pid) for pid, f in all.items() if f[0] != "Z" and ours(pid)]

    def cpu(self):
        """CPU seconds so far, user + system, reaped children included."""
        return sum(self.cpu_split())

    def cpu_split(self):
        """(user, system) CPU seconds. The sum is exact, the split is sampled by the kernel's clock tick."""
        fields = [f for f in map(stat_fields, self.pids()) if f]
        return sum(int(f[11]) + int(f[13]) for f in fields) / TICK, sum(int(f[12]) + int(f[14]) for f in fields) / TICK

    def memory(self):
        """(PSS, sum of peak RSS) in bytes."""
        pss = hwm = 0
        for pid in self.pids():
            try:
                with open(f"/proc/{pid}/smaps_rollup") as f:
                    pss += int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M)[1])
                with open(f"/proc/{pid}/status") as f:
                    hwm += int(re.search(r"^VmHWM:\s+(\d+)", f.read(), re.M)[1])
            except (OSError, TypeError):
                pass
        return pss * 1024, hwm * 1024

    def alive(self):
        return all(p.poll() is None for p in self.procs)

    def stop(self):
        for p in self.procs:
            if p.poll() is None:
                p.terminate()
        end = time.time() + 3
        while self.pids() and time.time() < end:
            for p in self.procs:
                p.poll()
            time.sleep(0.02)
        for pid in self.pids():
            os.kill(pid, signal.SIGKILL)
        for p in self.procs:
            p.wait()

def busy():
    """Busy CPU seconds of the whole machine, and those stolen by the hypervisor."""
    with open("/proc/stat") as f:
        v = [int(x) for x in f.readline().split()[1:]]
    return (v[0] + v[1] + v[2] + v[5] + v[6] + v[7]) / TICK, v[7] / TICK

def wait_quiet(limit, share=0.08, window=0.4):
    """Waits (at most limit seconds) for a moment in which others leave the machine alone."""
    end = time.time() + limit
    while time.time() < end:
        before, _ = busy()
        time.sleep(window)
        if (busy()[0] - before) / window / os.cpu_count() < share:
            return True
    return False

def run_timed(cmd, timeout, env=None, cpus=None):
    """Runs a load generator: (output, its CPU seconds)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    pin = (lambda: os.sched_setaffinity(0, cpus)) if cpus else None
    p = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout, env=env, preexec_fn=pin)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return p.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

# ---- load generators ------------------------------------------------------------------------------------------------
class Failed(Exception):
    pass

def url(c):
    return f"{'https' if c['front'] == 'TLS' else 'http'}://127.0.0.1:{PORT[c['front']]}{c['path']}"

def wrk(c, seconds, o):
    env = dict(os.environ, BENCH_UPLOAD=str(c.get("upload", 0)))
    fields = [] if c.get("bare") else [a for f in BROWSER for a in ("-H", f)]
    cmd = ["wrk", *fields, "-t1", f"-c{c.get('conns', 64)}", f"-d{seconds}s", "--timeout", "10s", "-s", f"{HERE}/load/wrk.lua", url(c)]
    out, cpu = run_timed(cmd, seconds + 30, env, o.load_cpus)
    m = re.search(r"^JSON (.*)$", out, re.M)
    if not m:
        raise Failed("wrk: " + out[-300:])
    r = json.loads(m[1])
    if r["bad_status"]:
        raise Failed(f"{r['bad_status']} responses with a bad status")
    if r["requests"] and r["bytes"] / r["requests"] < len(c["body"]):
        raise Failed(f"short responses: {r['bytes']} bytes in {r['requests']} requests")
    return r | {"load_cpu": cpu, "rps": r["requests"] / r["seconds"]}

def open_loop(c, seconds, o):
    rate = o.highest_rate[c["closed"]] * c["share"]
    cmd = [f"{BUILD}/open", str(PORT[c["front"]]), c["path"], str(c["conns"]), str(rate), str(seconds), str(o.warm), *BROWSER]
    out, cpu = run_timed(cmd, seconds + o.warm + 30, cpus=o.load_cpus)
    try:
        r = json.loads(out)
    except ValueError:
        raise Failed("open: " + out[-300:])
    if r["bad_status"] or r["errors"]:
        raise Failed(f"{r['bad_status']} responses with a bad status, {r['errors']} requests without a response")
    return r | {"load_cpu": cpu}

def h2load(c, seconds, o):
    base = ["h2load", *(a for f in BROWSER for a in ("-H", f)), "-t1", *c["args"].split(), "-D"]
    out, cpu = run_timed([*base, str(seconds), url(c)], seconds + 30, cpus=o.load_cpus)
    m = re.search(r"requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", out)
    s = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", out)
    if not m or not s:
        raise Failed("h2load: " + out[-300:])
    if any(map(int, s.groups()[1:])):
        raise Failed("bad status: " + s[0])
    n = int(m[2])
    r = {"requests": n, "seconds": seconds, "rps": n / seconds, "errors": int(m[3]) + int(m[4]) + int(m[5]), "load_cpu": cpu}
    return r

def h2load_latency(c, o):
    """h2load prints no percentiles, and logging every request would slow it: so a second, short run."""
    log = os.path.join(o.tmp, "h2load.log")
    run_timed(["h2load", *(a for f in BROWSER for a in ("-H", f)), "-t1", *c["args"].split(), "-D", "1", "--log-file", log, url(c)], 30, cpus=o.load_cpus)
    with open(log) as f:
        t = sorted(int(line.split("\t")[2]) for line in f)
    os.remove(log)
    return {k: t[min(len(t) - 1, int(len(t) * q))] for k, q in (("p50", .5), ("p99", .99), ("p999", .999))} if t else {}

def ab(c, seconds, o):
    out, cpu = run_timed(["ab", "-q", *c["args"].split(), "-t", str(seconds), "-n", "10000000", url(c)], seconds + 30, cpus=o.load_cpus)
    get = lambda pattern: re.search(pattern, out)
    done, failed, took = (get(p) for p in (r"Complete requests:\s+(\d+)", r"Failed requests:\s+(\d+)", r"Time taken for tests:\s+([\d.]+)"))
    if not done:
        raise Failed("ab: " + out[-300:])
    if get(r"Non-2xx responses"):
        raise Failed("responses with a bad status")
    n, bad = int(done[1]), int(failed[1])
    r = {"requests": n - bad, "seconds": float(took[1]), "rps": (n - bad) / float(took[1]), "errors": bad, "load_cpu": cpu}
    for k, q in (("p50", 50), ("p99", 99)):
        m = get(rf"\n\s+{q}%\s+(\d+)")
        if m:
            r[k] = int(m[1]) * 1000
    return r

def idle(c, server):
    cmd = [sys.executable, f"{HERE}/load/idle.py", "127.0.0.1", str(PORT[c["front"]]), str(c["count"]), c["path"]]
    base, _ = server.memory()
    p = subprocess.Popen(cmd + ["tls"] * (c["front"] == "TLS"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        line = p.stdout.readline().split()
        if line[:1] != ["ready"] or line[1] != "0":
            raise Failed(f"idle connections: {line or 'refused'}")
        time.sleep(1)
        pss, hwm = server.memory()
        closed = int(p.communicate("", timeout=30)[0].split()[1])
        if closed:
            raise Failed(f"{closed} of the idle connections were closed by the server")
    finally:
        p.kill(); p.wait()
    return {"base_pss": base, "pss": pss, "peak_rss": hwm, "bytes_per_conn": (pss - base) / c["count"], "errors": 0}

# ---- one candidate --------------------------------------------------------------------------------------------------
class Server:
    def __init__(self, folder):
        self.name, self.dir = os.path.basename(folder), folder
        with open(os.path.join(self.dir, "server.toml"), "rb") as f:
            self.spec = tomllib.load(f)
        self.features = set(self.spec["features"])

    def missing(self):
        """What of the programs or files it needs is absent."""
        bad = [p for p in self.spec.get("programs", []) if not shutil.which(p)]
        return bad + [p for p in self.spec.get("files", []) if not os.path.exists(self.fill(p, {}))]

    def fill(self, text, values):
        v = {"HERE": self.dir, "BENCH": HERE, "BUILD": BUILD, "VENV": VENV, **PORT, **values}
        return re.sub(r"@([A-Z0-9_]+)@", lambda m: str(v.get(m[1], m[0])), text)

    def start(self, o, run, params):
        for key, port in PORT.items():          # nobody else may answer in its place
            if key != "ORIGIN" and socket.socket().connect_ex(("127.0.0.1", port)) == 0:
                self.group = Group()
                self.log = open(os.devnull, "wb")
                raise Failed(f"port {port} is in use")
        values = {"RUN": run, "WORKERS": o.workers, "KEEP": params.get("KEEP", 128), "CERT": f"{o.tmp}/cert.pem", "KEY": f"{o.tmp}/key.pem"}
        values["LOG"] = self.fill(self.spec.get("log", {}).get(params.get("LOG", "off"), ""), values)
        for key, each in self.spec.get("routes", {}).items():    # e.g. each = "location = /r/@I@ {...}" -> @ROUTES_EACH@
            lines = (self.fill(each, values | {"I": i}) for i in range(params.get("ROUTES", 0)))
            values["ROUTES_" + key.upper()] = "\n".join(lines)
        for path in glob.glob(f"{self.dir}/**/*.in", recursive=True):
            target = os.path.join(run, os.path.relpath(path, self.dir)[:-3])
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(path) as f, open(target, "w") as g:
                g.write(self.fill(f.read(), values))
        self.group, self.log = Group(), open(os.path.join(run, "output.log"), "wb")
        env = dict(os.environ) | {k: self.fill(v, values) for k, v in self.spec.get("env", {}).items()}
        for step in self.spec.get("prepare", []):
            subprocess.run([self.fill(a, values) for a in step], stdout=self.log, stderr=self.log, env=env, check=True)
        for cmd in self.spec["start"]:
            self.group.start([self.fill(a, values) for a in cmd], self.log, env, o.server_cpus)

    def check(self, c, limit):
        """Waits until the right answer comes: status, protocol and body."""
        proto = "--http2-prior-knowledge" if c["front"] == "H2C" else "--http2" if c["load"] == "h2load" else "--http1.1"
        want = "2" if c["load"] == "h2load" else "1.1"
        post = ["--data-binary", "x" * 1000] if c.get("upload") else []
        cmd = ["curl", "-sk", proto, *post, "-w", "\n%{http_code} %{http_version}", url(c)]
        end = time.time() + limit
        while True:
            body, _, tail = subprocess.run(cmd, stdout=subprocess.PIPE).stdout.rpartition(b"\n")
            if tail.decode() == f"200 {want}" and body == c["body"]:
                return
            if time.time() > end or not self.group.alive():
                raise Failed(f"wrong answer: {tail.decode()!r} {body[:60]!r} (alive: {self.group.alive()})")
            time.sleep(0.05)

def measure(server, c, o):
    wait_quiet(o.wait)
    run = tempfile.mkdtemp(prefix="run-", dir=o.tmp)
    os.chmod(run, 0o777)
    try:
        server.start(o, run, c.get("params", {}))
        server.check(c, server.spec.get("start_limit", 10))
        if c["load"] == "idle":
            return idle(c, server.group)
        tool = globals()[c["load"]]
        tool(c, o.warm, o)
        g, org = server.group, o.origin
        (user, system), org_cpu, (all_busy, steal) = g.cpu_split(), org.cpu(), busy()
        t = time.time()
        r = tool(c, o.seconds, o)
        t = time.time() - t
        (user2, system2), r["origin_cpu"], (b, s) = g.cpu_split(), org.cpu() - org_cpu, busy()
        r["server_cpu"] = user2 + system2 - user - system
        if server.spec.get("cpu") == "rest":    # its children are never waited for: charge it with all that is left
            r["server_cpu"] = b - all_busy - r["origin_cpu"] - r["load_cpu"]
        r["foreign"] = max(0.0, (b - all_busy - r["server_cpu"] - r["origin_cpu"] - r["load_cpu"]) / t / os.cpu_count())
        r["steal"] = (s - steal) / t / os.cpu_count()
        r["pss"], r["peak_rss"] = g.memory()
        if not g.alive():
            raise Failed("the server died")
        if not r["requests"]:
            raise Failed("no request was answered")
        if c["load"] == "h2load":
            r |= h2load_latency(c, o)
        n = r["requests"]
        return r | {"user_us": (user2 - user) / n * 1e6, "cpu_us": r["server_cpu"] / n * 1e6, "load_us": r["load_cpu"] / n * 1e6, "origin_us": r["origin_cpu"] / n * 1e6}
    finally:
        server.group.stop()
        server.log.close()
        shutil.rmtree(run, ignore_errors=True)

def highest_rate(nginx, closed, o):
    """Requests/s of nginx in a closed loop, the median of the rounds."""
    rate = statistics.median(measure(nginx, CASES[closed], o)["rps"] for _ in range(o.rounds))
    print(f"nginx's highest rate in {closed}: {rate:,.0f} requests/s", file=sys.stderr, flush=True)
    return rate

# ---- the report -----------------------------------------------------------------------------------------------------
COLUMNS = [("rps", "req/s", 1, 0), ("cpu_us", "CPU us/req", 1, 2), ("user_us", "user us/req", 1, 2), ("p50", "p50 us", 1, 0), ("p99", "p99 us", 1, 0),
           ("p999", "p99.9 us", 1, 0), ("lag_p999", "send lag p99.9 us", 1, 0), ("pss", "PSS MiB", 2**20, 1), ("peak_rss", "peak RSS MiB", 2**20, 1),
           ("bytes_per_conn", "bytes/conn", 1, 0), ("errors", "errors", 1, 0), ("foreign", "foreign CPU %", .01, 1)]

def report(results, order, baseline):
    for name, by_server in results.items():
        print(f"\n### {name}: {CASES[name]['doc']}\n")
        med = {s: {k: statistics.median(r[k] for r in runs if k in r) for k, *_ in COLUMNS if any(k in r for r in runs)}
               for s, runs in by_server.items() if runs and "failed" not in runs[0]}
        cols = [c for c in COLUMNS if any(c[0] in m for m in med.values())]
        print("| server | " + " | ".join(c[1] for c in cols) + f" | rps/{baseline} | CPU/{baseline} | CPU spread |")
        print("|---" * (len(cols) + 4) + "|")
        base = by_server.get(baseline, [])
        for s in order:
            if s in med:
                m, cpus = med[s], [r["cpu_us"] for r in by_server[s] if "cpu_us" in r]
                pairs = list(zip(by_server[s], base))     # ratios within a round, which share its noise
                ratio = lambda k: f"{statistics.median(x[k] / y[k] for x, y in pairs):.2f}" \
                    if pairs and all(p.get(k) for xy in pairs for p in xy) else "-"
                spread = f"{(max(cpus) - min(cpus)) / statistics.median(cpus):.0%}" if len(cpus) > 1 else "-"
                cells = [f"{m[k] / unit:,.{digits}f}" if k in m else "-" for k, _, unit, digits in cols]
                print(f"| {s} | " + " | ".join(cells) + f" | {ratio('rps')} | {ratio('cpu_us')} | {spread} |")
            elif by_server.get(s):
                print(f"| {s} | failed: {by_server[s][0]['failed'][:160]} |")

def build():
    """Compiles the C parts that are not there yet or are out of date."""
    os.makedirs(BUILD, exist_ok=True)
    for src, libs in (("origin/origin.c", ""), ("origin/known.c", ""), ("load/open.c", "-lm"), ("floor/epoll.c", ""), ("floor/rapi.c", ""), ("floor/uring.c", "-luring")):
        out = f"{BUILD}/" + os.path.basename(src)[:-2]
        if "-luring" in libs and not os.path.exists("/usr/include/liburing.h"):
            continue
        if not os.path.exists(out) or os.path.getmtime(out) < os.path.getmtime(f"{HERE}/{src}"):
            subprocess.run(["cc", "-O2", "-pthread", "-o", out, f"{HERE}/{src}", *libs.split()],
                           check=src in ("origin/origin.c", "load/open.c"))

def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"], check=True, stderr=subprocess.DEVNULL)
    os.chmod(f"{folder}/key.pem", 0o644)
    with open(f"{folder}/cert.pem") as f, open(f"{folder}/key.pem") as g, open(f"{folder}/both.pem", "w") as h:
        h.write(f.read() + g.read())

def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--cases", default="p1", help="names, or prefixes ending in *")
    a.add_argument("--servers", default="", help="names (default: all that have what the case needs)")
    a.add_argument("--also", action="append", default=[], metavar="FOLDER", help="one more candidate, that lives elsewhere; its name is the folder's")
    a.add_argument("--rounds", type=int, default=3)
    a.add_argument("--seconds", type=int, default=3)
    a.add_argument("--warm", type=int, default=1)
    a.add_argument("--workers", type=int, default=2)
    a.add_argument("--pin", default="", help="cores, e.g. server=0,load=1 (the origin runs with the load)")
    a.add_argument("--port", type=int, default=27400, help="the first of five ports that are used")
    a.add_argument("--max-foreign", type=float, default=0.10, help="repeat a run if others used more of the CPU than this")
    a.add_argument("--attempts", type=int, default=3)
    a.add_argument("--wait", type=float, default=20, help="seconds to wait for a quiet machine before a run")
    a.add_argument("--baseline", default="nginx")
    a.add_argument("--highest-rate", type=float, help="requests/s of nginx of which open loops take their share (default: measured first)")
    a.add_argument("--json", help="write every run here")
    a.add_argument("--list", action="store_true")
    a.add_argument("--debug", help="CASE:SERVER - start it, check it, keep it until Enter")
    o = a.parse_args()
    for i, k in enumerate(PORT):
        PORT[k] = o.port + i
    folders = sorted(glob.glob(f"{HERE}/servers/*") + glob.glob(f"{HERE}/penstock*")) + [os.path.abspath(f) for f in o.also]
    servers = {os.path.basename(f): Server(f) for f in folders if os.path.exists(f"{f}/server.toml")}
    if o.list:
        for n, c in CASES.items():
            print(f"{n:10} needs {','.join(c['need']):14} {c['doc']}")
        for n, s in servers.items():
            print(f"{n:20} {','.join(sorted(s.features))}" + (f"  MISSING: {s.missing()}" if s.missing() else ""))
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))     # so that everything is stopped and removed
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    pins = dict(p.split("=") for p in o.pin.split(",") if p)
    o.server_cpus, o.load_cpus = ({int(pins[k])} if k in pins else None for k in ("server", "load"))
    build()
    o.tmp = tempfile.mkdtemp(prefix="bench-")
    os.chmod(o.tmp, 0o755)
    make_certificate(o.tmp)
    names = [n for w in o.cases.split(",") for n in CASES if n == w or w.endswith("*") and n.startswith(w[:-1])]
    chosen = o.servers.split(",") if o.servers else [n for n, s in servers.items() if not s.missing()]
    results, order = {}, chosen
    o.origin = Group()
    try:
        o.origin.start([f"{BUILD}/origin", str(PORT["ORIGIN"])], subprocess.DEVNULL, cpus=o.load_cpus)
        if o.debug:
            c, s = o.debug.split(":")
            server, run = servers[s], tempfile.mkdtemp(prefix="run-", dir=o.tmp)
            os.chmod(run, 0o777)
            server.start(o, run, CASES[c].get("params", {}))
            try:
                server.check(CASES[c], 5)
                print("correct;", url(CASES[c]), run, server.group.pids()); input()
            finally:
                print(open(f"{run}/output.log").read()[-3000:])
                server.group.stop()
            return
        closed = {CASES[n]["closed"] for n in names if "closed" in CASES[n]}
        o.highest_rate = {n: o.highest_rate or highest_rate(servers["nginx"], n, o) for n in sorted(closed)}
        for n in names:
            c, results[n] = CASES[n], {}
            for rnd in range(o.rounds):
                for s in chosen:
                    if not set(c["need"]) <= servers[s].features:
                        continue
                    runs = results[n].setdefault(s, [])
                    if runs and "failed" in runs[0]:
                        continue
                    r = None
                    for attempt in range(o.attempts):      # the least disturbed attempt counts
                        try:
                            new = measure(servers[s], c, o)
                        except (Failed, subprocess.SubprocessError, OSError) as e:
                            new = {"failed": f"{type(e).__name__}: {e}"}
                        if not r or "failed" in r or new.get("foreign", 9) < r.get("foreign", 0):
                            r = new
                        if r.get("foreign", 0) <= o.max_foreign:
                            break
                    r["attempts"] = attempt + 1
                    runs.append(r)
                    print(n, rnd + 1, s, {k: round(v, 3) if isinstance(v, float) else v for k, v in r.items()
                          if k in ("rps", "cpu_us", "foreign", "errors", "failed", "bytes_per_conn", "attempts")}, file=sys.stderr, flush=True)
                if o.json:
                    with open(o.json, "w") as f:
                        json.dump({"options": vars(o) | {"origin": None, "server_cpus": None, "load_cpus": None}, "results": results}, f, indent=1)
    finally:
        o.origin.stop()
        shutil.rmtree(o.tmp, ignore_errors=True)
    report(results, order, o.baseline)

if __name__ == "__main__":
    main()
