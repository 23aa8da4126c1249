#!/usr/bin/env python3
"""Runs every case of h1_corpus.json and h1_more.json through a gateway: check_h1.py [BINARY] [arguments of h1_run.py]

Starts the recording origin and the gateway on free ports of 127.0.0.1, and ends both. Exit status 0 when every case is
as it should be."""
import os
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROUTES = """\
version: 1
listeners: [{{ name: public, address: "127.0.0.1:{port}" }}]
access_log: false
state: state
timeouts: {{ head: 2s, body: 2s, idle: 5s }}
upstreams:
  origin: {{ endpoints: ["http://127.0.0.1:{origin}"], timeouts: {{ connect: 2s, first_byte: 3s }} }}
routes:
  - {{ path: "/{{rest*}}", upstream: origin }}
"""


def free_port():
    """A port that nobody has now; the gateway takes it a moment later."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process):
    end = time.monotonic() + 20
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    sys.exit("the gateway does not listen")


def main(arguments):
    binary = os.path.join(HERE, "..", "..", ".build", "release", "penstock")
    if arguments and not arguments[0].startswith("-"):
        binary = arguments.pop(0)
    binary, port, started = os.path.abspath(binary), free_port(), []
    with tempfile.TemporaryDirectory(prefix="penstock-h1-") as folder:
        try:
            origin = subprocess.Popen([sys.executable, f"{HERE}/origin.py", "--port", "0", "--admin", "0"],
                                      stdout=subprocess.PIPE, text=True)
            started.append(origin)
            _, origin_port, admin_port = origin.stdout.readline().split()
            with open(f"{folder}/routes.yaml", "w") as routes:
                routes.write(ROUTES.format(port=port, origin=origin_port))
            gateway = subprocess.Popen([binary, "serve", "routes.yaml"], cwd=folder)
            started.append(gateway)
            wait_for(port, gateway)
            run = [sys.executable, f"{HERE}/h1_run.py", "127.0.0.1", str(port), "--origin", f"127.0.0.1:{admin_port}"]
            corpora = ("h1_corpus.json", "h1_more.json")
            return max(subprocess.run(run + ["--corpus", corpus] + arguments).returncode for corpus in corpora)
        finally:
            for process in reversed(started):
                process.terminate()
            for process in reversed(started):
                process.wait()


sys.exit(main(sys.argv[1:]))
