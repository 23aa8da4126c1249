#!/usr/bin/env python3
"""A misbehaving HTTP/1.1 upstream (standard library only).  chaos_upstream.py [--port 19004]
The path says the fault:  /chaos/NAME[...].  GET /chaos/_stats is answered with JSON: connections, requests,
and per fault the number of times a second request arrived on the same connection ("reused:NAME")."""
import argparse, asyncio, collections, json, re, socket, struct
S = collections.Counter()

def rst(w):
    sock = w.get_extra_info("socket"); sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)); w.transport.abort()

def ok(body=b"ok\n", extra=b"", cl=None):
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + extra + b"Content-Length: %d\r\n\r\n" % (len(body) if cl is None else cl) + body

async def body_of(r, head):
    h = head.lower()
    m = re.search(rb"\r\ncontent-length: *([0-9]+)", h)
    if m: return await r.readexactly(int(m.group(1)))
    if b"\r\ntransfer-encoding: chunked" in h:
        out = b""
        while True:
            n = int((await r.readuntil(b"\r\n"))[:-2].split(b";")[0], 16)
            d = await r.readexactly(n + 2); out += d[:-2]
            if n == 0: return out
    return b""

async def serve(r, w):
    S["connections"] += 1; prev = None
    try:
        while True:
            head = await r.readuntil(b"\r\n\r\n"); S["requests"] += 1
            path = head.split(b" ", 2)[1].split(b"?")[0].decode("latin1"); f = path[7:].split("/")[0]; S["req:" + f] += 1
            if prev: S["reused:" + prev] += 1
            prev = f
            if f not in ("early_response", "early_close", "never_read_body"): await body_of(r, head)
            if f == "_stats": w.write(ok(json.dumps(S).encode())); prev = None
            elif f == "ok": w.write(ok()); prev = None
            elif f == "ok_chunked": w.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nok\n\r\n0\r\n\r\n")
            elif f == "ok_trailers": w.write(b"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nok\n\r\n0\r\nX-Sum: 7\r\n\r\n")
            elif f == "ok_close_delimited": w.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nok\n"); await w.drain(); break
            elif f == "ok_slow_dribble":
                w.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
                for i in range(10): w.write(b"x"); await w.drain(); await asyncio.sleep(0.15)
            elif f == "ok_100_continue": w.write(b"HTTP/1.1 100 Continue\r\n\r\n" + ok())
            elif f == "ok_103": w.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n" + ok())
            elif f == "ok_204_with_length": w.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            elif f == "ok_304": w.write(b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 77\r\n\r\n")
            elif f == "ok_no_reason": w.write(b"HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\nok\n")
            elif f == "ok_split_head":
                for b in (b"HTT", b"P/1.1 2", b"00 OK\r", b"\nContent-Le", b"ngth: 3\r\n", b"\r", b"\nok\n"): w.write(b); await w.drain(); await asyncio.sleep(0.03)
            elif f == "close_no_response": break
            elif f == "reset_no_response": rst(w); return
            elif f == "garbage": w.write(b"\x16\x03\x01 this is not HTTP\r\n\r\n"); await w.drain(); break
            elif f == "partial_head_close": w.write(b"HTTP/1.1 200 OK\r\nContent-Le"); await w.drain(); break
            elif f == "partial_head_stall": w.write(b"HTTP/1.1 200 OK\r\nContent-Le"); await w.drain(); await asyncio.sleep(20); break
            elif f == "stall_no_response": await asyncio.sleep(20); break
            elif f == "half_close_no_response": w.write_eof(); await asyncio.sleep(20); break
            elif f == "drop_mid_body": w.write(ok(b"x" * 1000, cl=5000)); await w.drain(); await asyncio.sleep(0.1); break
            elif f == "reset_mid_body": w.write(ok(b"x" * 1000, cl=5000)); await w.drain(); await asyncio.sleep(0.1); rst(w); return
            elif f == "stall_mid_body": w.write(ok(b"x" * 1000, cl=5000)); await w.drain(); await asyncio.sleep(20); break
            elif f == "drop_mid_chunked": w.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n" + b"x" * 1000 + b"\r\n"); await w.drain(); await asyncio.sleep(0.1); break
            elif f == "bad_chunk_size": w.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\n\r\n0\r\n\r\n"); await w.drain(); await asyncio.sleep(0.3); break
            elif f == "huge_chunk_size": w.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\nok\n\r\n0\r\n\r\n"); await w.drain(); await asyncio.sleep(0.3); break
            elif f == "two_lengths": w.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 9\r\n\r\nok\n"); await w.drain(); await asyncio.sleep(0.3)
            elif f == "te_and_length": w.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nok\n\r\n0\r\n\r\n"); await w.drain(); await asyncio.sleep(0.3)
            elif f == "negative_length": w.write(b"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nok\n"); await w.drain(); await asyncio.sleep(0.3); break
            elif f == "overflow_length": w.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nok\n"); await w.drain(); await asyncio.sleep(0.3); break
            elif f == "extra_after_body": w.write(ok() + b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nPOISONED"); await w.drain()
            elif f == "unsolicited_response":
                w.write(ok()); await w.drain(); await asyncio.sleep(0.2); w.write(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nPOISONED"); await w.drain()
            elif f == "flood_1xx":
                for i in range(2000): w.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a%d>; rel=preload\r\n\r\n" % i); await w.drain()
                w.write(ok())
            elif f == "many_headers": w.write(ok(extra=b"".join(b"X-H%d: v\r\n" % i for i in range(20000))))
            elif f == "huge_header": w.write(ok(extra=b"X-Big: " + b"a" * (1 << 20) + b"\r\n"))
            elif f == "endless_header":
                w.write(b"HTTP/1.1 200 OK\r\nX-Big: ")
                for i in range(640): w.write(b"a" * 65536); await w.drain()
                break
            elif f == "nul_in_header": w.write(ok(extra=b"X-N: a\x00b\r\n"))
            elif f == "bare_cr_in_header": w.write(ok(extra=b"X-N: a\rX-Inj: 1\r\n"))
            elif f == "space_before_colon": w.write(ok(extra=b"X-N : a\r\n"))
            elif f == "obs_fold": w.write(ok(extra=b"X-N: a\r\n b\r\n"))
            elif f == "bad_status_line": w.write(b"HTTP/1.1 2x0 OK\r\nContent-Length: 3\r\n\r\nok\n"); await w.drain(); await asyncio.sleep(0.2); break
            elif f == "status_999": w.write(b"HTTP/1.1 999 Odd\r\nContent-Length: 3\r\n\r\nok\n")
            elif f == "status_99": w.write(b"HTTP/1.1 99 Odd\r\nContent-Length: 3\r\n\r\nok\n"); await w.drain(); await asyncio.sleep(0.2); break
            elif f == "http2_preface_answer": w.write(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"); await w.drain(); await asyncio.sleep(0.2); break
            elif f == "unasked_101": w.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\nraw"); await w.drain(); await asyncio.sleep(0.3); break
            elif f == "head_with_body": w.write(ok(b"POISONED"))
            elif f == "early_response":   # answers 413 before the body, then closes
                w.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbig\n"); await w.drain(); await asyncio.sleep(0.2); break
            elif f == "early_close": break
            elif f == "never_read_body": r._transport.pause_reading() if hasattr(r, "_transport") else None; await asyncio.sleep(20); break
            elif f == "idle_close": w.write(ok()); await w.drain(); await asyncio.sleep(0.05); break   # closes a kept-alive connection: the race
            elif f == "slow_first_byte": await asyncio.sleep(1.0); w.write(ok())
            elif f == "connection_named_headers": w.write(ok(extra=b"Connection: X-Hop\r\nX-Hop: secret\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\n"))
            else: w.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            await w.drain()
    except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, RuntimeError, ValueError): pass
    finally:
        try: w.close()
        except Exception: pass

async def main():
    p = argparse.ArgumentParser(); p.add_argument("--port", type=int, default=19004); a = p.parse_args()
    s = await asyncio.start_server(serve, "127.0.0.1", a.port, limit=1 << 20, backlog=1024)
    print("listening", s.sockets[0].getsockname()[1], flush=True)
    async with s: await s.serve_forever()
if __name__ == "__main__": asyncio.run(main())
