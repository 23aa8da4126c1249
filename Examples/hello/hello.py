"""The shortest useful function: greets by name.

    curl 'http://127.0.0.1:8080/hello?name=Ada'

Whatever is printed becomes a line of the gateway's log, with the function, the instance and the request beside it.
"""
import os

GREETING = os.environ.get("GREETING", "Hello")  # from `environment:` in routes.yaml


def lambda_handler(event, context):
    name = (event.get("queryStringParameters") or {}).get("name", "world")
    print(f"greeting {name}, {context.get_remaining_time_in_millis()} ms left")
    return {
        "statusCode": 200,
        "headers": {"content-type": "text/plain; charset=utf-8"},
        "body": f"{GREETING}, {name}!\n",
    }
