"""What every check needs: a gateway on a free port of 127.0.0.1 and the programs around it, all ended at the end."""
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))


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


def binary(arguments):
    """The gateway's program: the first argument, or what was built."""
    if arguments and not arguments[0].startswith("-"):
        return os.path.abspath(arguments.pop(0))
    return os.path.join(HERE, "..", "..", ".build", "release", "penstock")


@contextlib.contextmanager
def peer(*command):
    """A program of this folder; gives the words of the first line that it prints."""
    process = subprocess.Popen([sys.executable, os.path.join(HERE, command[0]), *command[1:]],
                               stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().split()
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def gateway(program, routes):
    """A gateway with these routes, in which PORT stands for the port that is given."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="penstock-conformance-") as folder:
        with open(f"{folder}/routes.yaml", "w") as file:
            file.write(routes.replace("PORT", str(port)))
        process = subprocess.Popen([program, "serve", "routes.yaml"], cwd=folder)
        try:
            wait_for(port, process)
            yield port
        finally:
            process.terminate()
            process.wait()
