#!/bin/sh
# The oldest way of all: one process for each request, the event on standard input, the response on standard output.
#
#     curl http://127.0.0.1:8080/uptime
set -eu
cat > /dev/null  # the event; it is not needed here
read -r up _ < /proc/uptime
echo "up for $up s" >&2
printf '{"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": "%s seconds\\n"}\n' "$up"
