#!/usr/bin/env python3
"""What slow clients cost an honest one: slow_clients.py [--part crowd|worker] [--json FILE]

crowd:  10,000 idle connections, 1,000 clients that send their heads byte by byte and 1,000 that send their bodies so
        (slowhttptest), with an upstream behind the gateway: the p99 of an honest client beside them is at most twice
        that which it has alone.
worker: gunicorn with one sync worker, which serves one request at a time, behind the gateway: beside 100 slow readers
        and 100 slow writers at least 99 % of an honest client's requests are answered within 5 s.

Exit code 1: one of them is not so."""
import argparse
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import bench

BINARY = os.path.join(bench.HERE, "..", ".build", "release", "penstock")
ROUTES = """version: 1
loops: 2
state: state
access_log: false
listeners: [{{ name: public, address: "127.0.0.1:{port}" }}]
timeouts: {{ idle: 10m, head: 10m, body: 10m, body_rate: 0 }}   # or slow clients would be sent away
upstreams: {{ service: {{ endpoints: ["http://127.0.0.1:{upstream}"]{settings} }} }}
routes: [{{ path: "/{{rest*}}", upstream: service }}]
"""
# The worker serves one at a time: others wait here, where they cost nothing.
ONE_AT_A_TIME = ", concurrency: 1, queue: { length: 1000, wait: 10s }"

WORKER = '''
def app(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    answer = b"x" * 200_000 if environ["PATH_INFO"] == "/big" else b"%d" % len(body)
    start_response("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]
'''


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
    sys.exit(f"slow_clients: nobody listens on {port}")


class Processes:
    """Programs that end with the part that started them."""

    def __init__(self):
        self.all = []
        self.ended = False

    def start(self, *command, **options):
        log = subprocess.DEVNULL
        process = subprocess.Popen(command, **{"stdout": log, "stderr": log, **options})
        self.all.append(process)
        return process

    def gateway(self, folder, upstream, settings=""):
        port = free_port()
        with open(f"{folder}/routes.yaml", "w") as file:
            file.write(ROUTES.format(port=port, upstream=upstream, settings=settings))
        self.served = self.start(BINARY, "serve", "routes.yaml", cwd=folder)
        wait_for(port)
        return port

    def again_and_again(self, *command, **options):
        """Should slow clients be sent away, they come back until everything ends."""
        def run():
            while not self.ended:
                self.start(*command, **options).wait()
        threading.Thread(target=run, daemon=True).start()

    def end(self):
        self.ended = True
        for process in reversed(self.all):
            process.kill()
            process.wait()


def ask(connection, path="/"):
    """Whether one GET is answered with 200, and whole."""
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: honest\r\n\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        part = connection.recv(65536)
        if not part:
            return False
        answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(body) < length:
        part = connection.recv(65536)
        if not part:
            return False
        body += part
    return head.startswith(b"HTTP/1.1 200")


def honest(port, seconds, rate=200):
    """Milliseconds of each request, on new and kept connections in turn, and how many were not answered in 5 s."""
    times, failed, connection = [], 0, None
    began = time.perf_counter()
    for number in range(int(seconds * rate)):
        due = began + number / rate
        time.sleep(max(0, due - time.perf_counter()))
        start = time.perf_counter()
        try:
            if connection is None or number % 10 == 0:
                connection = socket.create_connection(("127.0.0.1", port), 5)
            if not ask(connection):
                raise ConnectionError
            times.append((time.perf_counter() - start) * 1000)
        except OSError:
            failed += 1
            connection = None
        if time.perf_counter() - began > 3 * seconds:
            break
    return times, failed


def p99(times):
    return sorted(times)[int(len(times) * 0.99)] if times else float("inf")


def crowd(options, folder):
    if not shutil.which("slowhttptest"):
        sys.exit("slow_clients: slowhttptest is missing; `Scripts/packages bench` installs it")
    bench.build()
    processes = Processes()
    try:
        upstream = free_port()
        processes.start(f"{bench.BUILD}/origin", str(upstream), "1", "ka")
        wait_for(upstream)
        port = processes.gateway(folder, upstream)
        honest(port, 1)
        alone = [p99(honest(port, options.seconds)[0]) for _ in range(3)]
        idle = processes.start(sys.executable, f"{bench.HERE}/load/idle.py", "127.0.0.1", str(port), str(options.idle), "/",
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if idle.stdout.readline().split() != [b"ready", b"0"]:
            sys.exit("slow_clients: the idle connections were not served")
        url = f"http://127.0.0.1:{port}/"
        half = str(options.slow // 2)
        for kind in (["-H"], ["-B", "-s", "100000"]):
            processes.again_and_again("slowhttptest", *kind, "-c", half, "-r", "500", "-i", "5", "-x", "10", "-l", "600",
                                      "-p", "5", "-u", url, cwd=folder)
        time.sleep(options.slow / 1000 + 3)
        runs, descriptors = [], []
        for _ in range(3):
            runs.append(honest(port, options.seconds))
            descriptors.append(len(os.listdir(f"/proc/{processes.served.pid}/fd")))
        beside = [p99(times) for times, _ in runs]
        idle.stdin.close()
        closed = int(idle.stdout.readline().split()[1])
    finally:
        processes.end()
    figures = {"p99_alone_ms": statistics.median(alone), "p99_beside_ms": statistics.median(beside),
               "ratio": statistics.median(beside) / statistics.median(alone), "failed": sum(bad for _, bad in runs),
               "idle_connections_closed": closed, "descriptors_of_gateway": descriptors}
    figures["kept"] = figures["ratio"] <= 2 and figures["failed"] == 0 and closed == 0
    return figures


class SlowClients:
    """Readers that take an answer of 200 KB, and writers that send 50 KB, both over about 20 s, again and again."""

    def __init__(self, port, count):
        self.port, self.ended, self.done, self.failed = port, False, 0, 0
        self.threads = [threading.Thread(target=self.run, args=(number % 2 == 0,), daemon=True) for number in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self, reads):
        time.sleep(random.uniform(0, 2))
        while not self.ended:
            try:
                with socket.socket() as connection:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                    connection.settimeout(60)
                    connection.connect(("127.0.0.1", self.port))
                    self.read(connection) if reads else self.write(connection)
                self.done += 1
            except OSError:
                self.failed += not self.ended

    def read(self, connection):
        connection.sendall(b"GET /big HTTP/1.1\r\nHost: slow\r\nConnection: close\r\n\r\n")
        while not self.ended and connection.recv(2000):
            time.sleep(0.2)

    def write(self, connection):
        connection.sendall(b"POST / HTTP/1.1\r\nHost: slow\r\nContent-Length: 50000\r\nConnection: close\r\n\r\n")
        for _ in range(100):
            if self.ended:
                return
            connection.sendall(bytes(500))
            time.sleep(0.2)
        if b"200 OK" not in connection.recv(4096):
            raise OSError


def worker(options, folder):
    gunicorn = f"{bench.VENV}/bin/gunicorn"
    if not os.path.exists(gunicorn):
        sys.exit(f"slow_clients: {gunicorn} is missing; make a venv there with requirements.txt")
    with open(f"{folder}/worker.py", "w") as file:
        file.write(WORKER)
    processes = Processes()
    try:
        upstream = free_port()
        processes.start(gunicorn, "-w", "1", "-k", "sync", "-b", f"127.0.0.1:{upstream}", "worker:app", cwd=folder)
        wait_for(upstream)
        figures = {}
        # What the worker is worth when slow clients reach it themselves is measured too, for comparison.
        ports = {"through_gateway": processes.gateway(folder, upstream, ONE_AT_A_TIME), "direct": upstream}
        for way, port in ports.items():
            slow = SlowClients(port, options.slow_pairs * 2)
            time.sleep(5)
            times, failed = honest(port, options.seconds * 3, rate=20)
            slow.ended = True
            figures[way] = {"asked": len(times) + failed, "failed": failed, "p99_ms": p99(times), "slow_done": slow.done,
                            "slow_failed": slow.failed}
            for thread in slow.threads:
                thread.join(10)
    finally:
        processes.end()
    own = figures["through_gateway"]
    figures["success"] = 1 - own["failed"] / own["asked"]
    figures["kept"] = figures["success"] >= 0.99
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=["crowd", "worker"], help="only this one")
    parser.add_argument("--seconds", type=int, default=10, help="how long each measurement takes")
    parser.add_argument("--idle", type=int, default=10_000)
    parser.add_argument("--slow", type=int, default=2_000)
    parser.add_argument("--slow-pairs", type=int, default=100)
    parser.add_argument("--json", help="write the figures here")
    options = parser.parse_args()
    figures = {}
    for name, part in (("crowd", crowd), ("worker", worker)):
        if options.part in (None, name):
            with tempfile.TemporaryDirectory(prefix="slow-") as folder:
                figures[name] = part(options, folder)
            print(f"{name}: {json.dumps(figures[name])}")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(figures, file, indent=2)
    sys.exit(0 if all(part["kept"] for part in figures.values()) else 1)


if __name__ == "__main__":
    main()
