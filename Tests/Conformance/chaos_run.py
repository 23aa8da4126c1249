#!/usr/bin/env python3
"""chaos_run.py HOST PORT [--prefix /chaos/] [--json FILE] [-v]   (chaos_upstream.py must be the upstream behind PREFIX)
The gateway's time limits towards the upstream should be about 3 s (connect 2 s).  For every fault: what the client must see.
Verdict words:  502|504|5xx = a whole answer of that status;  ok = whole 200 answer with the right body;
 abort = the client can tell that the answer was cut (closed early / no last chunk);  any of them joined by '/'.
After each fault a plain GET must be answered 200 with "ok" (no poisoned or wedged upstream connection)."""
import argparse, http.client, json, re, socket, sys, time
T = [ # name, allowed, max seconds, method, note
 ("ok", "ok", 1, "GET", ""),
 ("ok_chunked", "ok", 1, "GET", ""),
 ("ok_trailers", "ok", 1, "GET", ""),
 ("ok_close_delimited", "ok", 1, "GET", "body until close"),
 ("ok_slow_dribble", "ok", 3, "GET", "a slow body within the limit"),
 ("ok_100_continue", "ok", 1, "GET", "a stray 100"),
 ("ok_103", "ok", 1, "GET", "early hints dropped or passed"),
 ("ok_204_with_length", "204", 1, "GET", ""),
 ("ok_304", "304", 1, "GET", "304 with Content-Length and no body"),
 ("ok_no_reason", "ok", 1, "GET", "empty reason phrase"),
 ("ok_split_head", "ok", 2, "GET", "head in seven pieces"),
 ("reset_no_response", "502/503", 2, "GET", ""),
 ("garbage", "502", 2, "GET", ""),
 ("partial_head_stall", "504", 6, "GET", ""),
 ("stall_no_response", "504", 6, "GET", ""),
 ("half_close_no_response", "502/504", 6, "GET", ""),
 ("drop_mid_body", "abort/502", 3, "GET", "must not look whole"),
 ("reset_mid_body", "abort/502", 3, "GET", "must not look whole"),
 ("stall_mid_body", "abort/504", 8, "GET", "must not hang"),
 ("drop_mid_chunked", "abort/502", 3, "GET", "no last chunk may be made up"),
 ("bad_chunk_size", "abort/502/closed-without-answer", 3, "GET", ""),
 ("huge_chunk_size", "abort/502/closed-without-answer", 3, "GET", ""),
 ("overflow_length", "502", 3, "GET", ""),
 ("extra_after_body", "ok/502", 2, "GET", "the surplus must not become the next answer"),
 ("flood_1xx", "ok/502", 5, "GET", "2000 x 103"),
 ("many_headers", "502", 5, "GET", "20000 header fields"),
 ("huge_header", "502", 5, "GET", "1 MiB field"),
 ("endless_header", "502", 8, "GET", "40 MiB field"),
 ("nul_in_header", "502", 2, "GET", ""),
 ("bare_cr_in_header", "ok/502", 2, "GET", "9112 2.2"),
 ("space_before_colon", "ok/502", 2, "GET", "9112 5.1: a proxy must remove it"),
 ("obs_fold", "ok/502", 2, "GET", "9112 5.2"),
 ("bad_status_line", "502", 2, "GET", ""),
 ("status_999", "999/502", 2, "GET", ""),
 ("unasked_101", "502", 2, "GET", "9110 15.2.2: no upgrade was asked"),
 ("head_with_body", "ok", 2, "HEAD", "body after HEAD must not poison"),
 ("early_close", "502/503", 4, "POST1M", ""),
 ("never_read_body", "504/502/408", 10, "POST8M", "upstream does not read: no hang, bounded memory"),
 ("idle_close", "ok", 2, "GET", ""),
 ("connection_named_headers", "ok", 2, "GET", "hop-by-hop response fields removed"),
 ("close_no_response", "502", 2, "GET", ""),
 ("partial_head_close", "502", 2, "GET", ""),
 ("two_lengths", "502", 3, "GET", "9112 6.3: lengths that differ"),
 ("te_and_length", "ok/502", 3, "GET", "9112 6.3: the chunks count, and the connection is closed"),
 ("negative_length", "502", 2, "GET", ""),
 ("unsolicited_response", "ok", 2, "GET", "bytes on an idle connection must not become an answer"),
 ("status_99", "502", 2, "GET", ""),
 ("http2_preface_answer", "502", 2, "GET", ""),
 ("early_response", "413", 4, "POST1M", "an answer before the body was read"),
 ("slow_first_byte", "ok", 3, "GET", "")]

# Faults after which the gateway may use the connection again: what came was whole.
WHOLE = {"ok_chunked", "ok_trailers", "ok_slow_dribble", "ok_100_continue", "ok_103", "ok_204_with_length", "ok_304",
         "ok_no_reason", "ok_split_head", "flood_1xx", "connection_named_headers", "slow_first_byte", "idle_close"}
POISON = b"POISONED"

def fetch(host, port, path, method, limit):
    n = {"POST1M": 1 << 20, "POST8M": 8 << 20}.get(method, 0); m = "POST" if n else method
    s = socket.create_connection((host, port), timeout=limit); t = time.time(); buf = b""; closed = False
    req = ("%s %s HTTP/1.1\r\nHost: %s:%d\r\n%s\r\n" % (m, path, host, port, "Content-Length: %d\r\n" % n if n else "")).encode()
    try:
        s.sendall(req); sent = 0; s.setblocking(False); import select
        while time.time() - t < limit:
            r, w, _ = select.select([s], [s] if sent < n else [], [], 0.2)
            if w:
                try: sent += s.send(b"z" * min(65536, n - sent))
                except (BlockingIOError,): pass
                except ConnectionError: n = sent
            if r:
                try: d = s.recv(65536)
                except BlockingIOError: continue
                except ConnectionError: closed = True; break
                if not d: closed = True; break
                buf += d
            k = whole(buf, m, closed)
            if k: break
    except socket.timeout: pass
    dt = time.time() - t; s.close()
    return whole(buf, m, closed), buf, closed, dt

def whole(buf, m, closed):
    """-> (status, head, body) when a final answer is complete, else None"""
    while True:
        k = buf.find(b"\r\n\r\n")
        if k < 0: return None
        mm = re.match(rb"HTTP/1\.[01] (\d{3})", buf)
        if not mm: return None
        st = int(mm.group(1))
        if 100 <= st < 200 and st != 101: buf = buf[k + 4:]; continue
        head, rest = buf[:k].lower(), buf[k + 4:]
        if m == "HEAD" or st in (204, 304): return st, head, b""
        if b"\r\ntransfer-encoding: chunked" in head:
            body = b""
            while True:
                e = rest.find(b"\r\n")
                if e < 0: return None
                try: n = int(rest[:e].split(b";")[0], 16)
                except ValueError: return None
                if n == 0: return (st, head, body) if b"\r\n\r\n" in rest[e:] else None
                if len(rest) < e + n + 4: return None
                body += rest[e + 2:e + 2 + n]; rest = rest[e + 4 + n:]
        c = re.search(rb"\r\ncontent-length: *(\d+)", head)
        if c: return (st, head, rest[:int(c.group(1))]) if len(rest) >= int(c.group(1)) else None
        return (st, head, rest) if closed else None

def main():
    p = argparse.ArgumentParser(); p.add_argument("host"); p.add_argument("port", type=int); p.add_argument("--prefix", default="/chaos/"); p.add_argument("--only"); p.add_argument("--json"); p.add_argument("-v", action="store_true"); a = p.parse_args()
    R = []
    for name, allow, limit, method, note in T:
        if a.only and not re.search(a.only, name): continue
        why = []; path = "/dead" if name == "dead" else a.prefix + name
        try: w, buf, closed, dt = fetch(a.host, a.port, path, method, limit + 3)
        except Exception as e: w, buf, closed, dt = None, b"", False, 0; why.append(repr(e))
        if w:
            st, head, body = w; right = {"ok_slow_dribble": b"x" * 10}.get(name, b"ok\n")
            got = "ok" if st == 200 and (method == "HEAD" or body == right) else str(st) if st != 200 else "200-wrong-body(%d)" % len(body)
        elif closed: got = "abort" if buf else "closed-without-answer"
        else: got = "hang"
        if got not in allow.split("/"): why.append("got %s, wanted %s" % (got, allow))
        if dt > limit: why.append("took %.1f s, limit %d s" % (dt, limit))
        if name == "connection_named_headers" and w and (b"x-hop" in w[1]): why.append("hop-by-hop response field passed on")
        if name in ("nul_in_header", "bare_cr_in_header") and (b"a\x00b" in buf or b"\r\nx-inj" in buf.lower() or b"a\rX" in buf): why.append("passed the bytes on to the client")
        if name == "space_before_colon" and b"x-n :" in buf.lower(): why.append("passed the space on")
        if POISON in buf and name not in (): why.append("surplus bytes reached the client")
        if name == "unsolicited_response": time.sleep(0.6)    # the bytes lie on an idle connection: it must be dropped
        for i in range(4):                                     # the gateway must be well afterwards, on several upstream connections
            try:
                w2, b2, c2, d2 = fetch(a.host, a.port, a.prefix + "ok", "GET", 4)
                if POISON in b2: why.append("POISONED the next answer"); break
                if not w2 or w2[0] != 200 or w2[2] != b"ok\n": why.append("next plain request got %s" % (w2[0] if w2 else "nothing")); break
            except Exception as e: why.append("next plain request: %r" % e); break
        R.append(dict(name=name, got=got, allowed=allow, seconds=round(dt, 2), ok=not why, why=" | ".join(why), note=note))
        if why or a.v: print("ok  " if not why else "FAIL", name, "got=%s %.1fs" % (got, dt), " | ".join(why), ("(%s)" % note) if note else "")
    stats = json.loads(fetch(a.host, a.port, a.prefix + "_stats", "GET", 4)[0][2])
    reused = sorted(key[7:] for key in stats if key.startswith("reused:") and key[7:] not in WHOLE)
    if not a.only: R.append(dict(name="no_bad_connection_is_reused", ok=not reused, why=", ".join(reused)))
    if reused: print("FAIL bad connections were used again:", ", ".join(reused))
    if a.json: json.dump(R, open(a.json, "w"), indent=0)
    print("SCORE chaos %s:%d %d/%d" % (a.host, a.port, sum(r["ok"] for r in R), len(R))); sys.exit(0 if all(r["ok"] for r in R) else 1)
main()
