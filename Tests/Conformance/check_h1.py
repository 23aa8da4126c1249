#!/usr/bin/env python3
"""Runs every case of h1_corpus.json and h1_more.json through a gateway: check_h1.py [BINARY] [arguments of h1_run.py]

Starts the recording origin and the gateway on free ports of 127.0.0.1, and ends both. Exit status 0 when every case is
as it should be."""
import subprocess
import sys

import stage

ROUTES = """\
version: 1
listeners: [{ name: public, address: "127.0.0.1:PORT" }]
access_log: false
state: state
timeouts: { head: 2s, body: 2s, idle: 5s }
upstreams:
  origin: { endpoints: ["http://127.0.0.1:ORIGIN"], timeouts: { connect: 2s, first_byte: 3s } }
routes:
  - { path: "/{rest*}", upstream: origin }
"""


def main(arguments):
    program = stage.binary(arguments)
    with stage.peer("origin.py", "--port", "0", "--admin", "0") as (_, origin, admin):
        with stage.gateway(program, ROUTES.replace("ORIGIN", origin)) as port:
            run = [sys.executable, f"{stage.HERE}/h1_run.py", "127.0.0.1", str(port), "--origin", f"127.0.0.1:{admin}"]
            corpora = ("h1_corpus.json", "h1_more.json")
            return max(subprocess.run(run + ["--corpus", corpus] + arguments).returncode for corpus in corpora)


sys.exit(main(sys.argv[1:]))
