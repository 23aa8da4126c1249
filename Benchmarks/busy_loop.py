#!/usr/bin/env python3
"""What a loop that is kept busy costs the clients of the other one: busy_loop.py [--work sleep|spin] [--json FILE]

A gateway with two loops has a function that runs on the loop of its connection and keeps it for 50 ms (busy/): asleep, so
that only the loop is taken, or with a core to itself. A client calls it all the time; beside it an honest client asks
for a fixed response, 400 times a second in turn on the connections that the other loop has. Its p99 is at most 1.5 times
that which it has alone; times count from when a request was due.

Counted too: which loop gets the connections that are opened while it is busy and while it is not, and how long those
wait for their first answer. Exit code 1: the p99 is more."""
import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import bench
from slow_clients import ask, free_port, p99, wait_for

BINARY = os.path.join(bench.HERE, "busy", ".build", "release", "busy")
KEPT = 32
RATE, OPENED_RATE = 400, 50
BUSY = 0.050
LIMIT = 1.5
ROUTES = """version: 1
loops: 2
state: state
access_log: false
listeners: [{{ name: public, address: "127.0.0.1:{port}" }}]
functions: {{ loop: {{ swift: loop }}, sleep: {{ swift: sleep }}, spin: {{ swift: spin }} }}
routes:
  - {{ path: /, respond: {{ body: ok }} }}
  - {{ path: /loop, function: loop }}
  - {{ path: /sleep, function: sleep }}
  - {{ path: /spin, function: spin }}
"""


def connect(port):
    connection = socket.create_connection(("127.0.0.1", port), 5)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def loop_of(connection):
    """The thread that serves it."""
    connection.sendall(b"GET /loop HTTP/1.1\r\nHost: busy\r\n\r\n")
    return connection.recv(65536).rpartition(b"\r\n\r\n")[2]


def paced(rate, seconds, request):
    """Milliseconds from when each request was due to its end."""
    times, began = [], time.perf_counter()
    for number in range(int(seconds * rate)):
        due = began + number / rate
        time.sleep(max(0, due - time.perf_counter()))
        request(number)
        times.append((time.perf_counter() - due) * 1000)
    return times


def honest(connections, seconds):
    def request(number):
        if not ask(connections[number % len(connections)]):
            sys.exit("busy_loop: the honest client was not answered")
    return p99(paced(RATE, seconds, request))


def opened(port, seconds, busy):
    """Connections that are opened while a loop may be busy: the p99 of the first answers, and the share of it."""
    connections = []

    def request(_):
        connections.append(connect(port))
        if not ask(connections[-1]):
            sys.exit("busy_loop: a new connection was not answered")

    times = paced(OPENED_RATE, seconds, request)
    loops = [loop_of(connection) for connection in connections]
    for connection in connections:
        connection.close()
    return {"p99_ms": p99(times), "median_ms": statistics.median(times), "on_busy_loop": loops.count(busy) / len(loops)}


class Caller:
    """Calls the function that takes 50 ms, again and again, on one connection."""

    def __init__(self, connection, path):
        self.connection, self.path, self.ended, self.calls = connection, path, False, 0
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.ended and ask(self.connection, self.path):
            self.calls += 1

    def end(self):
        self.ended = True
        self.thread.join(10)


def measure(port, work, seconds):
    caller = connect(port)
    busy = loop_of(caller)
    load = Caller(caller, f"/{work}")
    kept = [connect(port) for _ in range(KEPT)]         # now, so that the other loop has them
    others = [connection for connection in kept if loop_of(connection) != busy]
    load.end()
    if not others:
        sys.exit("busy_loop: the busy loop has every connection")
    honest(others, 1)
    figures = {"alone_p99_ms": honest(others, seconds), "opened_alone": opened(port, 2, busy)}
    load = Caller(caller, f"/{work}")
    began = time.perf_counter()
    figures |= {"beside_p99_ms": honest(others, seconds), "opened_beside": opened(port, 2, busy)}
    figures["busy_share"] = load.calls * BUSY / (time.perf_counter() - began)
    load.end()
    for connection in [caller, *kept]:
        connection.close()
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", choices=["sleep", "spin"], default="sleep", help="whether it takes a core too")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="how long each measurement takes")
    parser.add_argument("--json", help="write the figures here")
    options = parser.parse_args()
    subprocess.run(["swift", "build", "-c", "release", "--package-path", os.path.dirname(BINARY).split("/.build")[0]],
                   stdout=sys.stderr, check=True)
    with tempfile.TemporaryDirectory(prefix="busy-") as folder:
        port = free_port()
        with open(f"{folder}/routes.yaml", "w") as file:
            file.write(ROUTES.format(port=port))
        gateway = subprocess.Popen([BINARY, "routes.yaml"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(port)
            rounds = [measure(port, options.work, options.seconds) for _ in range(options.rounds)]
        finally:
            gateway.kill()
            gateway.wait()
    alone, beside = (statistics.median(found[name] for found in rounds) for name in ("alone_p99_ms", "beside_p99_ms"))
    figures = {"work": options.work, "alone_p99_ms": alone, "beside_p99_ms": beside, "ratio": beside / alone,
               "at_most": LIMIT, "kept": beside <= LIMIT * alone, "rounds": rounds}
    print(json.dumps(figures, indent=1))
    if options.json:
        with open(options.json, "w") as file:
            json.dump(figures, file, indent=1)
    sys.exit(0 if figures["kept"] else 1)


if __name__ == "__main__":
    main()
