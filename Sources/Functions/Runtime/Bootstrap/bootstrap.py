"""Runs one Python function: reads events from the gateway's pipe, calls the handler, writes its answers to another.

    python3 /proc/self/fd/4 DIRECTORY FILE FUNCTION LIMIT

Events come from descriptor 3, answers go to 5. Frames and their fields are described in InvocationFrame.swift.
This file is compiled at every cold start, so it is short, and it imports next to nothing before it is needed: `json`
alone would cost 5 ms.
"""
import sys
import os
from time import monotonic, time
from struct import Struct

RESULT, REPLY, ERROR, READY, INIT_ERROR = 2, 3, 4, 5, 6  # from us
INVOKE, DRAIN = 1, 7  # to us
RAW = 1
JSON_FIELD = "content-type: application/json\r\n"


class Refused(Exception):
    """What the handler returned cannot be sent."""

    def __init__(self, message, kind="Runtime.MarshalError"):
        super().__init__(message)
        self.kind = kind


# -- JSON -------------------------------------------------------------------------------------------------------------

def other(value):
    """What JSON has no form for."""
    if type(value).__name__ == "Decimal":
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError("Object of type " + type(value).__name__ + " is not JSON serializable")


def make_json():
    """The standard library's own scanner and encoder, without the package around them, which imports `re`."""
    try:
        from _json import make_scanner, make_encoder, encode_basestring, encode_basestring_ascii

        class Standard:
            strict, object_hook, object_pairs_hook, memo = True, None, None, {}
            parse_float, parse_int, parse_constant = float, int, float

        scan = make_scanner(Standard)

        def encode(value, text=encode_basestring):
            return "".join(make_encoder({}, other, text, None, ": ", ", ", False, False, False)(value, 0))

        if scan('{"a": [1, "b"]}', 0)[0] != {"a": [1, "b"]} or encode([1.5, "b"]) != '[1.5, "b"]':
            raise ImportError
        return scan, lambda value: utf8(encode(value), lambda: encode(value, encode_basestring_ascii))
    except (ImportError, TypeError, AttributeError):
        import json
        pretty = json.JSONEncoder(default=other, allow_nan=False, ensure_ascii=False).encode
        plain = json.JSONEncoder(default=other, allow_nan=False).encode
        return json.JSONDecoder().scan_once, lambda value: utf8(pretty(value), lambda: plain(value))


def utf8(text, escaped):
    """The bytes of a JSON text, in which only a lone surrogate needs an escape."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return escaped().encode()


def decode(payload, start):
    text = payload[start:].decode()
    try:
        value, end = scan(text, 0)
        if end == len(text):
            return value
    except StopIteration:
        pass
    import json  # leading and trailing space, and errors in words
    try:
        return json.loads(text)
    except ValueError as error:
        raise Refused("Unable to unmarshal input: " + str(error), "Runtime.UnmarshalError") from None


def marshal(value):
    try:
        return encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise Refused("Unable to marshal response: " + str(error)) from None


# -- The context, as Lambda has it ------------------------------------------------------------------------------------

class Record:
    """A few named values."""

    def __init__(self, **values):
        self.__dict__.update(values)

    def __repr__(self):
        return type(self).__name__ + "(" + ", ".join(f"{k}={v!r}" for k, v in self.__dict__.items()) + ")"


class Lazy:
    """An attribute that is made when it is first read, unless somebody has set it."""

    def __init__(self, make):
        self.make = make

    def __get__(self, owner, kind=None):
        if owner is None:
            return self
        value = owner.__dict__[self.make.__name__] = self.make(owner)
        return value


class Context:
    """What a handler may know of its invocation."""

    __slots__ = ("aws_request_id", "_deadline", "_fields", "__dict__")  # the last for what is made or set later

    def __init__(self, request_id, deadline, fields):
        self.aws_request_id = request_id
        self._deadline = deadline
        self._fields = fields

    def get_remaining_time_in_millis(self):
        return max(0, int((self._deadline - monotonic()) * 1000))

    @Lazy
    def invoked_function_arn(self):
        return self._fields.get("invoked-arn") or os.environ.get("PENSTOCK_FUNCTION_ARN", "")

    @Lazy
    def tenant_id(self):
        return self._fields.get("tenant-id")

    @Lazy
    def identity(self):
        return Record(cognito_identity_id=None, cognito_identity_pool_id=None)

    @Lazy
    def client_context(self):
        text = self._fields.get("client-context")
        if not text:
            return None
        import json
        value = json.loads(text)
        client = value.get("client")
        names = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")
        return Record(
            client=client and Record(**{name: client.get(name) for name in names}),
            custom=value.get("custom"), env=value.get("env"))

    @staticmethod
    def log(message):
        sys.stdout.write(str(message))

    def __repr__(self):
        return f"Context(aws_request_id={self.aws_request_id!r}, function_name={self.function_name!r})"

    function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
    function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
    memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
    log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", "")
    log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "")


# -- From what the handler returned to an envelope --------------------------------------------------------------------

def number_of(status):
    if type(status) is int and 200 <= status <= 599:
        return status
    number = status
    if type(status) is str and len(status) < 10 and status.isascii() and status.isdigit():
        number = int(status)
    elif type(status) is float and status.is_integer():
        number = int(status)
    if isinstance(number, bool) or not isinstance(number, int) or not 200 <= number <= 599:
        raise Refused(f"statusCode must be a number from 200 to 599, not {status!r:.40}")
    return int(number)


def text_of(value):
    """A field's value as text: numbers and booleans as JSON writes them."""
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float)) or type(value).__name__ == "Decimal":
        return encode(value).decode()
    raise Refused("a header's value must be a string, not " + type(value).__name__)


def fields_of(result):
    """The lines of all fields, each ended by CR LF, as one text."""
    headers, several, cookies = result.get("headers"), result.get("multiValueHeaders"), result.get("cookies")
    if headers is several is cookies is None:
        return JSON_FIELD
    pairs = []
    if headers is not None:
        if not isinstance(headers, dict):
            raise Refused("headers must be an object, not " + type(headers).__name__)
        for name, value in headers.items():
            if value is not None:
                pairs += [(name, text_of(item)) for item in (value if isinstance(value, (list, tuple)) else (value,))
                          if item is not None]
    if several is not None:
        if not isinstance(several, dict):
            raise Refused("multiValueHeaders must be an object, not " + type(several).__name__)
        more = [(name, text_of(item)) for name, values in several.items() if values is not None
                for item in (values if isinstance(values, (list, tuple)) else (values,)) if item is not None]
        given = {(str(name).lower(), value) for name, value in more}
        pairs = [pair for pair in pairs if (str(pair[0]).lower(), pair[1]) not in given] + more
    if cookies is not None:
        if not isinstance(cookies, (list, tuple)):
            raise Refused("cookies must be a list, not " + type(cookies).__name__)
        pairs += [("set-cookie", text_of(cookie)) for cookie in cookies]
    typed = False
    lines = []
    for name, value in pairs:
        if not isinstance(name, str) or ":" in name or "\r" in name or "\n" in name:
            raise Refused(f"{name!r:.60} is not a header's name")
        if "\r" in value or "\n" in value:
            raise Refused(f"the value of the header {name} has a line break in it")
        typed = typed or name.lower() == "content-type"
        lines.append(name + ": " + value + "\r\n")
    if not typed:
        lines.append(JSON_FIELD)
    return "".join(lines)


def decode_base64(text):
    """Strictly, as RFC 4648 has it; only the padding may be absent."""
    from binascii import a2b_base64, b2a_base64
    try:
        data = a2b_base64(text + "==")
    except ValueError:
        data = None
    if data is not None:
        plain = b2a_base64(data, newline=False).decode()
        if text == plain or text == plain.rstrip("="):
            return data
    raise Refused("isBase64Encoded is true, but the body is not base64")


def body_of(result):
    body = result.get("body")
    if not isinstance(body, str):
        if body is None:
            return b""
        if isinstance(body, (bytes, bytearray, memoryview)):
            return bytes(body)
        if isinstance(body, (dict, list, tuple)):
            raise Refused("body must be a string; did you forget json.dumps?")
        body = text_of(body)
    if body and result.get("isBase64Encoded") is True:
        return decode_base64(body.replace("\r", "").replace("\n", ""))
    try:
        return body.encode()
    except UnicodeEncodeError as error:
        raise Refused("the body is not text: " + str(error)) from None


def envelope(result):
    """Status, lines of fields and body, as payload 2.0 has it; whatever has no statusCode is itself the body."""
    if not isinstance(result, dict) or "statusCode" not in result:
        if isinstance(result, str):
            body = body_of({"body": result})
        else:
            body = marshal(result)
        return 200, JSON_FIELD.encode(), body
    try:
        return number_of(result["statusCode"]), fields_of(result).encode(), body_of(result)
    except UnicodeEncodeError as error:
        raise Refused("a header is not text: " + str(error)) from None


# -- Errors -----------------------------------------------------------------------------------------------------------

def describe(error, request_id, message=None, kind=None):
    """An error's JSON, for the gateway; and its text, for the log."""
    if message is None:
        try:
            message = str(error)
        except Exception:
            message = ""
    message = message[:32768]
    kind = kind or getattr(error, "kind", None) if isinstance(error, Refused) else kind
    kind = kind or type(error).__name__
    stack = []
    if not isinstance(error, Refused):
        try:
            import traceback
            frames = traceback.extract_tb(error.__traceback__, limit=-21)
            stack = traceback.format_list([f for f in frames if f.filename not in OURS][-20:])
        except Exception:
            pass
    lines = "[ERROR] " + kind + ": " + message + "\n"
    if stack:
        lines += "Traceback (most recent call last):\n" + "".join(stack)
    try:
        sys.stderr.write(lines)
    except Exception:
        pass
    flush()
    return encode({"errorMessage": message, "errorType": kind, "requestId": request_id, "stackTrace": stack})


OURS = {__file__, "<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>"}


def flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass


# -- The handler ------------------------------------------------------------------------------------------------------

def load(directory, file, function):
    """Imports the file as a module of its directory and finds the function; what goes wrong becomes INIT_ERROR."""
    relative = os.path.relpath(file, directory)
    sys.path[0] = directory
    if relative.startswith(".."):
        folder, relative = os.path.split(file)
        sys.path.insert(1, folder)
    name = relative[:-3] if relative.endswith(".py") else relative
    module = name.replace("/", ".")
    try:
        if "." in name or not os.path.exists(file):
            loaded = load_file(module, file) if os.path.exists(file) else __import__(module)
        else:
            __import__(module)
            loaded = sys.modules[module]
            if not os.path.samefile(getattr(loaded, "__file__", None) or "/", file):
                loaded = load_file(module, file)  # the standard library has one of that name
    except ImportError as error:
        fail(error, f"Unable to import module '{module}': {error}", "Runtime.ImportModuleError")
    except SyntaxError as error:
        fail(error, f"Syntax error in module '{module}': {error}", "Runtime.UserCodeSyntaxError")
    except SystemExit:
        raise
    except BaseException as error:
        fail(error)
    handler = getattr(loaded, function, None)
    if not callable(handler):
        fail(Refused(f"Handler '{function}' missing on module '{module}'", "Runtime.HandlerNotFound"))
    return handler


def cache_settled_code():
    """Keeps no bytecode of a file that may change again within the second that Python would know it by."""
    from _frozen_importlib_external import SourceFileLoader
    write = SourceFileLoader.set_data

    def set_data(self, path, data, **options):
        changed = int.from_bytes(data[8:12], "little")  # PEP 3147, PEP 552: magic number, flags, then this
        if time() - changed > 2:
            write(self, path, data, **options)

    SourceFileLoader.set_data = set_data


def load_file(module, file):
    from importlib.util import module_from_spec, spec_from_file_location
    spec = spec_from_file_location(module, file)
    if spec is None:
        raise ImportError(f"{file} is not a Python file")
    loaded = module_from_spec(spec)
    sys.modules[module] = loaded
    spec.loader.exec_module(loaded)
    return loaded


def fail(error, message=None, kind=None):
    send(INIT_ERROR, 0, 0, describe(error, "", message, kind))
    flush()
    os._exit(1)


def set_up_logging():
    """Lambda's root logger writes; Python's own does so only from WARNING on."""
    logging = sys.modules.get("logging")
    if logging and not logging.getLogger().handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("[%(levelname)s]\t%(message)s"))
        logging.getLogger().addHandler(handler)


def awaited(result):
    """Runs a coroutine to its end, on one loop for the life of the process."""
    global loop
    import asyncio
    if loop is None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
    return loop.run_until_complete(result)


# -- The pipes --------------------------------------------------------------------------------------------------------

HEAD = Struct(">IBBHQ")
INVOCATION = Struct(">IH")
ENVELOPE = Struct(">IBBHQHI")


def send(kind, aux, id, *parts):
    write(HEAD.pack(12 + sum(map(len, parts)), kind, 0, aux, id) + b"".join(parts))


def write(bytes):
    try:
        sent = os.write(answers, bytes)
        while sent < len(bytes):
            bytes = memoryview(bytes)[sent:]
            sent = os.write(answers, bytes)
    except OSError:
        os._exit(1)  # the gateway is gone, or this is a forked child


def leave_pipes():
    """In a forked child: what it reads there has ended, and what it writes there is lost."""
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    os.dup2(null, events, False)
    os.dup2(null, answers, False)
    os.close(null)


def answer(id, request_id, flags, result):
    """Sends a result that is not of the simplest form, or says what is wrong with it."""
    try:
        if flags & RAW:
            body = marshal(result)
            check_size(len(body))
            send(RESULT, 0, id, body)
            return
        status, fields, body = envelope(result)
        check_size(len(body) + len(fields))
        head = ENVELOPE.pack(18 + len(fields) + len(body), REPLY, 0, 0, id, status, len(fields))
        write(b"".join((head, fields, body)))
    except Refused as error:
        send(ERROR, 0, id, describe(error, request_id))


def check_size(size):
    if size > limit:
        raise Refused(
            f"Response payload size exceeded maximum allowed payload size ({limit} bytes).",
            "Function.ResponseSizeTooLarge")


def serve(handler):
    """Answers one event after the other until the gateway ends it."""
    read = open(events, "rb", 65536, closefd=False).read
    head_of, invocation_of, now = HEAD.unpack, INVOCATION.unpack_from, monotonic
    traced = False
    while True:
        head = read(16)
        if len(head) < 16:
            os._exit(0)
        length, kind, flags, _, id = head_of(head)
        payload = read(length - 12)
        if kind != INVOKE:
            if kind == DRAIN:
                sys.exit(0)
            continue
        remaining, size = invocation_of(payload)
        start = 6 + size
        fields = {}
        if payload.count(b"\r\n", 6, start) == 1:
            request_id = payload[18:start - 2].decode()  # "request-id: " alone
        else:
            lines = payload[6:start].decode().split("\r\n")
            fields = dict(line.split(": ", 1) for line in lines if ": " in line)
            request_id = fields.get("request-id", "")
        trace_id = fields.get("trace-id")
        if trace_id:
            os.environ["_X_AMZN_TRACE_ID"] = trace_id
        elif traced:
            os.environ.pop("_X_AMZN_TRACE_ID", None)  # of an event before
        traced = bool(trace_id)
        try:
            result = handler(decode(payload, start), Context(request_id, now() + remaining / 1000, fields))
            if type(result) is not dict and hasattr(type(result), "__await__"):
                result = awaited(result)
        except SystemExit:
            raise
        except BaseException as error:
            send(ERROR, 0, id, describe(error, request_id))
            del error
            continue
        flush()
        answer(id, request_id, flags, result)
        result = payload = None  # not kept until the next event


def main():
    global events, answers, limit, loop, scan, encode
    directory, file, function, limit = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    sys.argv[:] = [file]
    loop = None
    # To numbers that a handler does not know, and out of the reach of what it starts.
    top = os.sysconf("SC_OPEN_MAX")
    top = top if 0 < top < 576 else 576
    low, random = min(64, top // 4), os.urandom(4)
    room = (top - low) // 2
    events = os.dup2(3, low + int.from_bytes(random[:2], "big") % room, False)
    answers = os.dup2(5, low + room + int.from_bytes(random[2:], "big") % room, False)
    os.environ["AWS_EXECUTION_ENV"] = "AWS_Lambda_python%d.%d" % sys.version_info[:2]
    os.closerange(3, 6)
    os.register_at_fork(after_in_child=leave_pipes)
    sys.stdout.reconfigure(line_buffering=True)
    scan, encode = make_json()
    cache_settled_code()
    handler = load(directory, file, function)
    set_up_logging()
    send(READY, 1, 0)
    try:
        serve(handler)
    finally:
        os.close(events)  # what runs at exit keeps nobody waiting
        os.close(answers)


main()
