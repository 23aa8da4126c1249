#!/usr/bin/env python3
"""The upstream of the tour: service.py PORT

With port 0 it takes a free one and prints which.

A small service that knows nothing of the gateway in front of it. It answers with what it received, so that one can see
what a gateway adds and takes away:

    curl http://127.0.0.1:8080/shop/basket?item=7
"""
import http.server
import json
import os
import signal
import sys
import threading
import time


class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keep-alive: the gateway's pool uses the connection again

    def answer(self):
        length = int(self.headers.get("content-length") or 0)
        body = json.dumps({
            "service": "example",
            "method": self.command,
            "path": self.path,
            "headers": dict(self.headers.items()),
            "body": self.rfile.read(length).decode("utf-8", "replace"),
        }, indent=2).encode() + b"\n"
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def log_message(self, format, *arguments):
        pass  # the gateway's access log has it


def end_with_parent():
    """Ends this process when the one that started it is gone, however it went."""
    parent = os.getppid()

    def watch():
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    if "--with-parent" in sys.argv:
        end_with_parent()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    http.server.ThreadingHTTPServer.request_queue_size = 128
    http.server.ThreadingHTTPServer.daemon_threads = True
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Echo)
        if sys.argv[1] == "0":
            print(server.server_port, flush=True)
        server.serve_forever()
    except OSError as error:
        sys.exit(f"example service: cannot listen on 127.0.0.1:{sys.argv[1]}: {error.strerror}")
