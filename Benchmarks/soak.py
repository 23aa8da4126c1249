#!/usr/bin/env python3
"""Mixed traffic against a gateway that reloads every second: soak.py [--minutes 30] [--json FILE]

Kept and new connections, slow readers and writers, bodies of 10 MB both ways, aborted ones, upstreams that misbehave
(Tests/Conformance/chaos_upstream.py), functions that die, WebSockets; all at once, while two configurations take turns.
A request that is well formed and goes to something healthy is to be answered, and rightly; what becomes of the others
is counted by kind. At minute five (a third of a shorter run) and at the end the traffic pauses, and the gateway is
measured at rest: memory within 5 %, and no descriptor and no process more than then. Exit code 1: something was not so."""
import argparse
import asyncio
import base64
import collections
import hashlib
import json
import os
import random
import re
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BINARY = os.path.join(HERE, "..", ".build", "release", "penstock")
CHAOS = os.path.join(HERE, "..", "Tests", "Conformance", "chaos_upstream.py")
BIG = 10_000_000
FAULTS = ("ok ok_chunked ok_trailers ok_close_delimited ok_100_continue ok_103 ok_split_head reset_no_response garbage "
          "partial_head_stall stall_no_response drop_mid_body reset_mid_body stall_mid_body drop_mid_chunked "
          "bad_chunk_size overflow_length extra_after_body many_headers huge_header nul_in_header bad_status_line "
          "unasked_101 idle_close close_no_response partial_head_close two_lengths unsolicited_response "
          "slow_first_byte").split()

ROUTES = """version: 1
loops: 2
state: state
access_log: {{ to: access.log, format: json }}
shutdown: {{ timeout: 20s }}
listeners:
  - {{ name: public, address: "127.0.0.1:{public}" }}
{listener}
functions:
  sturdy: {{ handler: functions.py:sturdy, instances: {{ min: 2, max: 2 }}, queue: {{ length: 200, wait: 20s }}, timeout: 20s }}
  changing:
    handler: functions.py:changing
    environment: {{ VERSION: "{version}" }}
    instances: {{ min: 1, max: 1 }}
    queue: {{ length: 200, wait: 20s }}
    timeout: 20s
  fragile: {{ handler: functions.py:fragile, instances: {{ min: 1, max: 2, idle: 2s }}, timeout: 5s, queue: {{ wait: 5s }} }}
defaults: {{ upstream: {{ keepalive: {{ connections: {kept}, idle: 2s }} }} }}
upstreams:
  healthy: {{ endpoints: ["http://127.0.0.1:{healthy}"] }}
  steady: {{ endpoints: ["http://127.0.0.1:{healthy}"], keepalive: {{ connections: 16, idle: 2s }} }}
  pair: {{ endpoints: ["http://127.0.0.1:{healthy}", "http://127.0.0.1:{nobody}"] }}
  chaos:
    endpoints: ["http://127.0.0.1:{chaos}"]
    timeouts: {{ connect: 1s, first_byte: 2s, idle: 2s }}
    health: {{ passive: false }}
    retries: {{ attempts: 0 }}
routes:
  - {{ path: /fixed, respond: {{ body: "fixed" }} }}
  - {{ path: "/healthy/{{rest*}}", upstream: healthy, rewrite: {{ path: "/{{rest}}" }} }}
  - {{ path: "/steady/{{rest*}}", upstream: steady, rewrite: {{ path: "/{{rest}}" }} }}
  - {{ path: "/pair/{{rest*}}", upstream: pair, rewrite: {{ path: "/{{rest}}" }} }}
  - {{ path: "/chaos/{{rest*}}", upstream: chaos }}
  - {{ path: /socket, upstream: steady, websocket: true }}
  - {{ path: /sturdy, function: sturdy }}
  - {{ path: /changing, function: changing }}
  - {{ path: /fragile, function: fragile }}
{route}
"""

FUNCTIONS = '''import os, signal, threading, time

def sturdy(event, context):
    return "sturdy " + (event.get("body") or "")[:64]

def changing(event, context):
    return "changing " + os.environ["VERSION"]

def fragile(event, context):
    how = event.get("rawQueryString", "")
    if how == "exit": os._exit(3)
    if how == "kill": os.kill(os.getpid(), signal.SIGKILL)
    if how == "raise": raise RuntimeError("as asked")
    if how == "late": threading.Timer(0.005, os._exit, [4]).start()
    if how == "hang": time.sleep(60)
    return "fragile"
'''

# What the log may say while all goes well; anything else is a violation.
EXPECTED = [
    r"^penstock \S+ serves ", r"^try$", r"^  ", r"\bserving\b", "configuration reloaded", "draining", "stopped",
    r"an endpoint is (out|in again).*upstream=pair", r"Z fragile\[\d+\] ", r"function=fragile\b",
]


# The healthy upstream: a process of its own.

def pattern(length):
    return (b"0123456789abcdef" * (length // 16 + 1))[:length]


def accept_key(key):
    return base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())


async def serve_healthy(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode()
            if key := re.search(rb"\r\nsec-websocket-key: *(\S+)", head, re.I):
                writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             b"Sec-WebSocket-Accept: " + accept_key(key[1]) + b"\r\n\r\n")
                while data := await reader.read(65536):
                    writer.write(data)
                    await writer.drain()
                return
            length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
            digest, size, missing = hashlib.md5(), 0, int(length[1]) if length else 0
            while missing > 0:
                data = await reader.read(min(missing, 1 << 18))
                if not data:
                    return
                digest.update(data)
                size += len(data)
                missing -= len(data)
            name, _, argument = path.strip("/").partition("/")
            body = pattern(int(argument)) if name == "bytes" else f"{size} {digest.hexdigest()}".encode()
            if name == "chunked":
                writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                for start in range(0, len(body), 8):
                    piece = body[start:start + 8]
                    writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                writer.write(b"0\r\n\r\n")
            else:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
                writer.write(body)
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def run_healthy():
    server = await asyncio.start_server(serve_healthy, "127.0.0.1", 0, limit=1 << 19, backlog=1024)
    print("listening", server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


# Clients.

class Lost(Exception):
    """A request that could have been served was not."""


class Client:
    """One connection."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, port, receive_buffer=None):
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        return cls(*await asyncio.open_connection(sock=sock, limit=1 << 18))

    def send_head(self, method, path, length=None, fields=""):
        length = "" if length is None else f"Content-Length: {length}\r\n"
        self.writer.write(f"{method} {path} HTTP/1.1\r\nHost: soak\r\n{length}{fields}\r\n".encode())

    async def head(self):
        head = await self.reader.readuntil(b"\r\n\r\n")
        return int(head[9:12]), head

    async def answer(self, pause=0):
        """Status and body."""
        status, head = await self.head()
        while status < 200:
            status, head = await self.head()
        if re.search(rb"\r\ntransfer-encoding: *chunked", head, re.I):
            body = b""
            while True:
                size = int((await self.reader.readuntil(b"\r\n"))[:-2], 16)
                data = await self.reader.readexactly(size + 2)
                if size == 0:
                    return status, body
                body += data[:-2]
        length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
        if not length:
            return status, await self.reader.read()
        missing, parts = int(length[1]), []
        while missing > 0:
            data = await self.reader.read(min(missing, 16_384 if pause else 1 << 18))
            if not data:
                raise Lost("the answer was cut")
            parts.append(data)
            missing -= len(data)
            if pause:
                await asyncio.sleep(pause)
        return status, b"".join(parts)

    async def ask(self, method, path, body=None, pause=0):
        self.send_head(method, path, None if body is None else len(body), "Content-Type: text/plain\r\n")
        if body:
            self.writer.write(body)
            await self.writer.drain()
        return await self.answer(pause)

    def close(self):
        self.writer.close()

    def reset(self):
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Traffic:
    """All clients, what became of their requests, and when they pause."""

    def __init__(self, port):
        self.port = port
        self.good = collections.Counter()
        self.others = collections.Counter()
        self.lost = []
        self.going = asyncio.Event()
        self.active = 0
        self.ended = False

    async def loop(self, kind, job, pause, limit=60):
        """Runs `job` again and again; one that goes to something healthy raises where it is not served."""
        while not self.ended:
            await self.going.wait()
            if self.ended:
                return
            self.active += 1
            try:
                await asyncio.wait_for(job(), limit)
                self.good[kind] += 1
            except Exception as error:
                self.lost.append(f"{time.strftime('%H:%M:%S')} {kind}: {type(error).__name__} {error}")
            finally:
                self.active -= 1
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))

    async def rest(self):
        self.going.clear()
        end = time.monotonic() + 90
        while self.active and time.monotonic() < end:
            await asyncio.sleep(0.1)
        if self.active:
            self.lost.append(f"{self.active} requests hang")

    @staticmethod
    def expect(answer, body, status=200):
        if answer[0] != status or answer[1] != body:
            raise Lost(f"got {answer[0]} {answer[1][:120]!r}")

    @staticmethod
    def receipt(body):
        return f"{len(body)} {hashlib.md5(body).hexdigest()}".encode()

    # Everything below is well formed and goes to something healthy.

    async def simple(self, client):
        """One request of many kinds."""
        place = random.choice(("healthy", "steady"))
        which = random.randrange(6)
        if which == 0:
            body = os.urandom(random.randrange(1, 5000))
            self.expect(await client.ask("POST", f"/{place}/echo", body), self.receipt(body))
        elif which == 1:
            self.expect(await client.ask("GET", "/fixed"), b"fixed")
        elif which == 2:
            self.expect(await client.ask("POST", f"/{place}/chunked", b"abc"), self.receipt(b"abc"))
        elif which == 3:
            length = random.choice((0, 1, 1000, 70_000))
            self.expect(await client.ask("GET", f"/{place}/bytes/{length}"), pattern(length))
        elif which == 4:
            text = str(random.random()).encode()
            self.expect(await client.ask("POST", "/sturdy", text), b"sturdy " + text)
        else:
            self.expect(await client.ask("GET", "/pair/bytes/100"), pattern(100))

    async def kept(self):
        client = await Client.connect(self.port)
        try:
            for _ in range(random.randrange(1, 60)):
                await self.simple(client)
                await asyncio.sleep(random.uniform(0, 0.1))
                if not self.going.is_set():
                    return
        finally:
            client.close()

    async def fresh(self):
        client = await Client.connect(self.port)
        try:
            await self.simple(client)
        finally:
            client.close()

    async def function(self):
        client = await Client.connect(self.port)
        try:
            status, body = await client.ask("GET", "/changing")
            if status != 200 or body not in (b"changing A", b"changing B"):
                raise Lost(f"got {status} {body[:120]!r}")
        finally:
            client.close()

    async def slow_reader(self):
        client = await Client.connect(self.port, receive_buffer=8192)
        try:
            self.expect(await client.ask("GET", "/healthy/bytes/1000000", pause=0.05), pattern(1_000_000))
        finally:
            client.close()

    async def slow_writer(self):
        client = await Client.connect(self.port)
        body = os.urandom(40_000)
        try:
            client.send_head("POST", "/healthy/echo", len(body))
            for start in range(0, len(body), 1000):
                client.writer.write(body[start:start + 1000])
                await client.writer.drain()
                await asyncio.sleep(0.05)
            self.expect(await client.answer(), self.receipt(body))
        finally:
            client.close()

    async def big_down(self):
        client = await Client.connect(self.port)
        try:
            self.expect(await client.ask("GET", f"/healthy/bytes/{BIG}"), pattern(BIG))
        finally:
            client.close()

    async def big_up(self):
        client = await Client.connect(self.port)
        body = pattern(BIG)
        try:
            self.expect(await client.ask("PUT", "/healthy/echo", body), self.receipt(body))
        finally:
            client.close()

    async def tunnel(self):
        client = await Client.connect(self.port)
        key = base64.b64encode(os.urandom(16))
        try:
            client.send_head("GET", "/socket", fields="Connection: Upgrade\r\nUpgrade: websocket\r\n"
                             f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key.decode()}\r\n")
            status, head = await client.head()
            if status != 101 or accept_key(key) not in head:
                raise Lost(f"got {head[:120]!r}")
            for _ in range(random.choice((3, 30))):
                data = os.urandom(random.choice((1, 100, 30_000)))
                client.writer.write(data)
                await client.writer.drain()
                if await client.reader.readexactly(len(data)) != data:
                    raise Lost("the tunnel gave back something else")
                await asyncio.sleep(0.3 if self.going.is_set() else 0)
        finally:
            client.close()

    # What becomes of these is counted only; that they end is all that is asked for.

    async def counted(self, kind, work):
        try:
            result = await work
        except (ConnectionError, asyncio.IncompleteReadError, Lost):
            result = "cut"
        self.others[f"{kind}: {result}"] += 1

    async def chaos(self):
        client = await Client.connect(self.port)
        fault = random.choice(FAULTS)

        async def work():
            return (await client.ask("GET", f"/chaos/{fault}"))[0]
        try:
            await self.counted("chaos", work())
        finally:
            client.close()

    async def fragile(self):
        client = await Client.connect(self.port)
        how = random.choice(("ok", "exit", "kill", "raise", "late"))

        async def work():
            return (await client.ask("GET", f"/fragile?{how}"))[0]
        try:
            await self.counted(f"fragile {how}", work())
        finally:
            client.close()

    async def hang(self):
        client = await Client.connect(self.port)

        async def work():
            return (await client.ask("GET", "/fragile?hang"))[0]
        try:
            await self.counted("fragile hang", work())
        finally:
            client.close()

    async def aborted_upload(self):
        client = await Client.connect(self.port)

        async def work():
            client.send_head("POST", random.choice(("/healthy/echo", "/sturdy")), 1_000_000)
            client.writer.write(bytes(random.randrange(400_000)))
            await client.writer.drain()
            return "aborted"
        await self.counted("upload", work())
        random.choice((client.reset, client.close))()

    async def aborted_download(self):
        client = await Client.connect(self.port)

        async def work():
            client.send_head("GET", f"/healthy/bytes/{BIG}")
            await client.reader.readexactly(random.randrange(1, 300_000))
            return "aborted"
        await self.counted("download", work())
        client.reset()

    def start(self):
        kinds = [
            (self.kept, 12, 0.1), (self.fresh, 6, 0.05), (self.function, 2, 0.3), (self.slow_reader, 6, 0.2),
            (self.slow_writer, 6, 0.2), (self.big_down, 1, 1), (self.big_up, 1, 1), (self.tunnel, 6, 0.2),
            (self.chaos, 8, 0.2), (self.fragile, 2, 0.5), (self.hang, 1, 5), (self.aborted_upload, 3, 0.2),
            (self.aborted_download, 3, 0.2),
        ]
        return [asyncio.create_task(self.loop(job.__name__, job, pause)) for job, count, pause in kinds
                for _ in range(count)]


# The gateway.

class Gateway:
    def __init__(self, folder, ports):
        self.folder, self.ports = folder, ports
        with open(f"{folder}/functions.py", "w") as file:
            file.write(FUNCTIONS)
        self.write("A")
        self.log = open(f"{folder}/log", "wb")
        self.process = subprocess.Popen([BINARY, "serve", "routes.yaml"], cwd=folder, stdout=self.log, stderr=self.log)
        self.reloads = 0

    def write(self, version):
        isA = version == "A"
        text = ROUTES.format(
            **self.ports, version=version, kept=16 if isA else 4,
            listener="" if isA else f"  - {{ name: other, address: \"127.0.0.1:{self.ports['other']}\" }}",
            route="" if isA else "  - { path: /b, respond: { body: b } }")
        with open(f"{self.folder}/routes.yaml", "w") as file:
            file.write(text)

    async def control(self, method, path):
        reader, writer = await asyncio.open_unix_connection(f"{self.folder}/state/control.sock", limit=1 << 20)
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return int(answer[9:12]), answer.partition(b"\r\n\r\n")[2]

    async def wait_ready(self):
        end = time.monotonic() + 60
        while self.process.poll() is None and time.monotonic() < end:
            try:
                if (await self.control("GET", "/readyz"))[0] == 200:
                    return
            except OSError:
                await asyncio.sleep(0.05)
        sys.exit(f"soak: the gateway does not serve\n{open(self.folder + '/log').read()}")

    async def reload(self, traffic, faults):
        """Once a second, or as soon as the one before has ended."""
        while not traffic.ended:
            await traffic.going.wait()
            began = time.monotonic()
            self.write("B" if self.reloads % 2 == 0 else "A")
            try:
                status, body = await self.control("POST", "/v1/reload")
            except OSError as error:
                status, body = 0, str(error).encode()
            self.reloads += 1
            if status != 200:
                faults.append(f"reload {self.reloads} was answered with {status} {body[:200]!r}")
                if self.process.poll() is not None:
                    return
            await asyncio.sleep(max(0, 1 - (time.monotonic() - began)))

    def children(self):
        """All processes below the gateway."""
        parents = {}
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/stat") as file:
                    words = file.read().rpartition(")")[2].split()
                if words[0] != "Z":
                    parents[int(name)] = int(words[1])
            except OSError:
                continue
        found, level = [], [self.process.pid]
        while level:
            level = [pid for pid, parent in parents.items() if parent in level]
            found += level
        return found

    @staticmethod
    def descriptors(pid):
        try:
            return len(os.listdir(f"/proc/{pid}/fd"))
        except OSError:
            return 0

    def resident(self):
        try:
            with open(f"/proc/{self.process.pid}/status") as file:
                return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])
        except (OSError, TypeError):
            return 0

    def measure(self):
        children = self.children()
        return {
            "resident_kib": self.resident(),
            "descriptors": self.descriptors(self.process.pid),
            "processes": len(children),
            "descriptors_of_functions": sum(self.descriptors(pid) for pid in children),
        }

    async def at_rest(self):
        """Measures the first of the two configurations, when idle connections and spare instances have ended."""
        self.write("A")
        await self.control("POST", "/v1/reload")
        await asyncio.sleep(15)
        return self.measure()

    def unexpected(self):
        with open(f"{self.folder}/log", errors="replace") as file:
            lines = file.read().splitlines()
        return [line for line in lines if not any(re.search(one, line) for one in EXPECTED)]


async def sample(gateway, samples, traffic):
    while not traffic.ended:
        if traffic.going.is_set():
            samples.append((time.monotonic(), gateway.resident()))
        await asyncio.sleep(1)


async def soak(options, folder):
    ports = {}
    probes = [socket.socket() for _ in range(3)]
    for name, probe in zip(("public", "other", "nobody"), probes):
        probe.bind(("127.0.0.1", 0))
        ports[name] = probe.getsockname()[1]
    for probe in probes:
        probe.close()
    upstreams = []
    for name, command in (("healthy", [__file__, "--upstream"]), ("chaos", [CHAOS, "--port", "0"])):
        upstreams.append(subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
        ports[name] = int(upstreams[-1].stdout.readline().split()[1])
    gateway = Gateway(folder, ports)
    faults = []
    try:
        await gateway.wait_ready()
        traffic = Traffic(ports["public"])
        samples = []
        tasks = traffic.start() + [asyncio.create_task(gateway.reload(traffic, faults)),
                                   asyncio.create_task(sample(gateway, samples, traffic))]
        first = min(5, options.minutes / 3) * 60
        traffic.going.set()
        await asyncio.sleep(first)
        baseline_load = statistics.median(value for at, value in samples if at > time.monotonic() - 30)
        await traffic.rest()
        baseline = await gateway.at_rest()
        print(f"minute {first / 60:.1f}: {baseline}", file=sys.stderr)
        traffic.going.set()
        await asyncio.sleep(options.minutes * 60 - first)
        end_load = statistics.median(value for at, value in samples if at > time.monotonic() - 30)
        await traffic.rest()
        end = await gateway.at_rest()
        traffic.ended = True
        if gateway.process.poll() is not None:
            faults.append(f"the gateway ended with {gateway.process.returncode}")
        gateway.process.terminate()
        status = await asyncio.to_thread(gateway.process.wait)
        if status != 0:
            faults.append(f"the gateway ended with {status} after SIGTERM")
        for task in tasks:
            task.cancel()
    finally:
        for process in [gateway.process, *upstreams]:
            if process.poll() is None:
                process.kill()
            process.wait()
    figures = {
        "minutes": options.minutes, "reloads": gateway.reloads, "served": dict(traffic.good), "lost": len(traffic.lost),
        "others": dict(sorted(traffic.others.items())), "at_rest": {"baseline": baseline, "end": end},
        "resident_kib_under_load": {"baseline": baseline_load, "end": end_load},
    }
    faults += traffic.lost[:40]
    for key, before in baseline.items():
        allowed = before * 1.05 if key == "resident_kib" else before
        if end[key] > allowed:
            faults.append(f"{key}: {end[key]} at the end, {before} at the baseline")
    unexpected = gateway.unexpected()
    faults += [f"unexpected in the log: {line}" for line in unexpected[:20]]
    figures["unexpected_log_lines"] = len(unexpected)
    figures["violations"] = faults
    return figures


def report(figures):
    print(f"{figures['minutes']} minutes, {figures['reloads']} reloads; {sum(figures['served'].values()):,} jobs done: "
          + ", ".join(f"{kind} {count:,}" for kind, count in figures["served"].items()))
    print("others: " + ", ".join(f"{kind} {count:,}" for kind, count in figures["others"].items()))
    print(f"lost: {figures['lost']}")
    for name, values in figures["at_rest"].items():
        print(f"at rest, {name}: " + ", ".join(f"{key} {value}" for key, value in values.items()))
    print("under load: " + ", ".join(f"{k} {v:,.0f} KiB" for k, v in figures["resident_kib_under_load"].items()))
    for fault in figures["violations"]:
        print(f"VIOLATION {fault}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--json", help="write the figures here")
    parser.add_argument("--keep", help="run in this folder, and leave it: configuration, logs")
    parser.add_argument("--binary", help="the gateway, instead of .build/release/penstock")
    parser.add_argument("--upstream", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.upstream:
        return asyncio.run(run_healthy())
    if options.binary:
        globals()["BINARY"] = os.path.abspath(options.binary)
    if options.keep:
        os.makedirs(options.keep, exist_ok=True)
        figures = asyncio.run(soak(options, os.path.abspath(options.keep)))
    else:
        with tempfile.TemporaryDirectory(prefix="soak-") as folder:
            figures = asyncio.run(soak(options, folder))
    report(figures)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(figures, file, indent=2)
    sys.exit(1 if figures["violations"] else 0)


if __name__ == "__main__":
    main()
