#!/usr/bin/env python3
"""Every way of an upstream to misbehave that chaos_upstream.py knows: check_chaos.py [BINARY] [arguments of chaos_run.py]

Starts the upstream and the gateway on free ports of 127.0.0.1, and ends both. Exit status 0 when every answer is as it
should be, and no connection on which anything odd happened was used again."""
import subprocess
import sys

import stage

ROUTES = """\
version: 1
listeners: [{ name: public, address: "127.0.0.1:PORT" }]
access_log: false
state: state
timeouts: { write: 3s }
upstreams:
  chaos: { endpoints: ["http://127.0.0.1:CHAOS"], timeouts: { connect: 2s, first_byte: 3s, idle: 3s } }
routes:
  - { path: "/chaos/{rest*}", upstream: chaos }
"""


def main(arguments):
    program = stage.binary(arguments)
    with stage.peer("chaos_upstream.py", "--port", "0") as (_, chaos):
        with stage.gateway(program, ROUTES.replace("CHAOS", chaos)) as port:
            run = [sys.executable, f"{stage.HERE}/chaos_run.py", "127.0.0.1", str(port)]
            return subprocess.run(run + arguments).returncode


sys.exit(main(sys.argv[1:]))
