#!/usr/bin/env python3
"""The first response of a Python function against the start of Python itself: coldstart.py [--rounds 20] [--json]

Side by side, one after the other: `/usr/bin/python3 -S -E -c pass`, then a request to a function that nobody has asked
before. Every round has a function of its own, so no instance is warm. Milliseconds, medians."""
import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BINARY = os.path.join(HERE, "..", ".build", "release", "penstock")


def write_routes(path, port, count):
    lines = ["version: 1", f'listeners: [{{ name: public, address: "127.0.0.1:{port}" }}]', "access_log: false",
             "state: state", "functions:"]
    for number in range(count):
        lines.append(f"  hello{number}: {{ handler: {HERE}/functions/hello.py:handler, interpreter: /usr/bin/python3, "
                     "instances: { min: 0, max: 1 } }")
    lines.append("routes:")
    lines += [f"  - {{ path: /hello{number}, function: hello{number} }}" for number in range(count)]
    lines.append('  - { path: /ready, respond: { status: 200, body: "ready" } }')
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")


def request(port, path):
    """Milliseconds from connecting to the last byte of a 200."""
    start = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    if not answer.startswith(b"HTTP/1.1 200 "):
        sys.exit(f"coldstart: {path} answered {answer[:80]!r}")
    return (time.perf_counter() - start) * 1000


def python():
    start = time.perf_counter()
    subprocess.run(["/usr/bin/python3", "-S", "-E", "-c", "pass"], check=True)
    return (time.perf_counter() - start) * 1000


def wait_ready(port, gateway):
    end = time.monotonic() + 20
    while gateway.poll() is None and time.monotonic() < end:
        try:
            return request(port, "/ready")
        except OSError:
            time.sleep(0.05)
    sys.exit("coldstart: the gateway does not listen")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="coldstart-") as folder:
        write_routes(f"{folder}/routes.yaml", port, options.rounds)
        log = open(f"{folder}/log", "wb")
        gateway = subprocess.Popen([BINARY, "serve", "routes.yaml"], cwd=folder, stdout=log, stderr=log)
        try:
            wait_ready(port, gateway)
            python()
            pairs = [(python(), request(port, f"/hello{number}")) for number in range(options.rounds)]
        finally:
            gateway.terminate()
            gateway.wait()
    found = {"python_ms": statistics.median(a for a, _ in pairs), "first_response_ms": statistics.median(b for _, b in pairs),
             "difference_ms": statistics.median(b - a for a, b in pairs)}
    if options.json:
        print(json.dumps(found))
    else:
        print(f"python {found['python_ms']:.1f} ms, first response {found['first_response_ms']:.1f} ms, "
              f"difference {found['difference_ms']:.1f} ms (medians of {options.rounds})")


main()
