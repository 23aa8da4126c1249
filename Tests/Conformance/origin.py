#!/usr/bin/env python3
"""Recording HTTP/1.1 origin for judging a proxy in front of it (standard library only).

origin.py [--port 19000] [--admin 19100]
The data port parses strictly, remembers the raw bytes of every request head and its body, and echoes the body
(or "ok\n").  The admin port answers  GET /take?key=NONCE  with a JSON list of the records whose raw bytes hold NONCE,
and  GET /count  with totals.  A record says whether the forwarded request was unambiguous ("faults": []).
"""
import argparse, asyncio, base64, collections, json, re, urllib.parse

LOG = collections.deque(maxlen=20000)
COUNT = collections.Counter()
TOKEN = re.compile(rb"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
LINE = re.compile(rb"^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [^\x00-\x20\x7f]+ HTTP/1\.[01]$")

def judge(head):
    """faults of a request head that would let two parsers disagree"""
    f = []
    lines = head[:-4].split(b"\r\n")
    if not LINE.match(lines[0]): f.append("bad request line")
    cl, te, host, names = [], [], [], []
    for l in lines[1:]:
        if l[:1] in (b" ", b"\t"): f.append("obs-fold"); continue
        n, c, v = l.partition(b":")
        if not c: f.append("header line without colon"); continue
        if not TOKEN.match(n): f.append("bad header name %r" % n[:40])
        if re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", v): f.append("control character in the value of %r" % n[:40])
        k, v = n.strip().lower(), v.strip(b" \t"); names.append(k)
        if k == b"content-length": cl.append(v)
        if k == b"transfer-encoding": te.append(v.lower())
        if k == b"host": host.append(v)
    if b"\n" in b"".join(lines) or b"\r" in b"".join(lines): f.append("bare CR or LF in the head")
    if cl and te: f.append("both Content-Length and Transfer-Encoding")
    if len(cl) > 1: f.append("several Content-Length")
    if any(not re.match(rb"^[0-9]{1,18}$", v) for v in cl): f.append("bad Content-Length %r" % cl[0][:30])
    if te and te != [b"chunked"]: f.append("Transfer-Encoding is %r" % b"|".join(te)[:60])
    if len(host) > 1: f.append("several Host")
    if b"HTTP/1.1" in lines[0] and not host: f.append("no Host")
    return f, cl, te

async def chunked(r):
    body = b""
    while True:
        line = await r.readuntil(b"\r\n")
        size = line[:-2].split(b";")[0].strip()
        if not re.match(rb"^[0-9a-fA-F]{1,15}$", size): raise ValueError("chunk size %r" % size[:20])
        n = int(size, 16)
        if n == 0: break
        body += await r.readexactly(n)
        if await r.readexactly(2) != b"\r\n": raise ValueError("chunk not ended by CRLF")
    trailers = []
    while True:
        line = await r.readuntil(b"\r\n")
        if line == b"\r\n": return body, trailers
        trailers.append(line[:-2].decode("latin1"))

async def serve(r, w):
    COUNT["connections"] += 1; conn = COUNT["connections"]; seq = 0
    try:
        while True:
            try: head = await r.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError as e:
                if e.partial:
                    LOG.append(dict(conn=conn, seq=seq, raw=e.partial.decode("latin1"), body="", faults=["unfinished head"], complete=False))
                break
            seq += 1; COUNT["requests"] += 1
            faults, cl, te = judge(head)
            rec = dict(conn=conn, seq=seq, raw=head.decode("latin1"), body="", trailers=[], faults=faults, complete=False)
            LOG.append(rec)
            if b"\r\nexpect: 100-continue" in head.lower(): w.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = b""
            try:
                if te: body, rec["trailers"] = await chunked(r)
                elif cl and re.match(rb"^[0-9]{1,12}$", cl[0]): body = await r.readexactly(int(cl[0]))
            except (ValueError, asyncio.IncompleteReadError) as e:
                faults.append("body: %s" % str(e)[:60]); break
            rec["body"] = body[:65536].decode("latin1"); rec["body_len"] = len(body); rec["complete"] = True
            bad = [x for x in faults if x != "no Host"]
            target = head.split(b" ", 2)[1] if head.count(b" ") else b"/"
            out = body or b"ok\n"; extra = b""
            if target.startswith(b"/inspect"): out = json.dumps(rec).encode()
            m = re.match(rb"^/size/([0-9]+)", target)
            big = min(int(m.group(1)), 64 << 20) if m else 0
            method = head.split(b" ", 1)[0]
            st = b"400 Bad Request" if bad else b"200 OK"
            close = bad or b"\r\nconnection: close" in head.lower() or b"HTTP/1.0" in head.split(b"\r\n")[0]
            w.write(b"HTTP/1.1 " + st + b"\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\nX-Origin: 1\r\n" % (big or len(out))
                    + (b"Connection: close\r\n" if close else b"") + b"\r\n" + (b"" if method == b"HEAD" or big else out))
            await w.drain()
            while big and method != b"HEAD": n = min(big, 65536); w.write(b"x" * n); big -= n; await w.drain()
            if close: break
    except (ConnectionError, asyncio.LimitOverrunError, asyncio.IncompleteReadError): pass
    finally:
        try: w.close()
        except Exception: pass

async def admin(r, w):
    try:
        head = await r.readuntil(b"\r\n\r\n")
        u = urllib.parse.urlsplit(head.split(b" ")[1].decode())
        q = urllib.parse.parse_qs(u.query)
        if u.path == "/take":
            k = q["key"][0]
            out = [x for x in LOG if k in x["raw"] or k in x["body"]]
        else: out = dict(COUNT)
        b = json.dumps(out).encode()
        w.write(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(b) + b); await w.drain()
    finally: w.close()

async def main():
    p = argparse.ArgumentParser(); p.add_argument("--port", type=int, default=19000); p.add_argument("--admin", type=int, default=19100)
    a = p.parse_args()
    s1 = await asyncio.start_server(serve, "127.0.0.1", a.port, limit=1 << 20, backlog=1024)
    s2 = await asyncio.start_server(admin, "127.0.0.1", a.admin)
    print("listening", *(s.sockets[0].getsockname()[1] for s in (s1, s2)), flush=True)  # ports may be given as 0
    async with s1, s2: await asyncio.gather(s1.serve_forever(), s2.serve_forever())

if __name__ == "__main__": asyncio.run(main())
