// Runs one Node function: reads events from the gateway's pipe, calls the handler, writes what it answered to another.
//
//     node --preserve-symlinks-main /proc/self/fd/4 DIRECTORY FILE FUNCTION LIMIT CONCURRENCY EVENTS ANSWERS
//
// Frames and their fields are described in InvocationFrame.swift. Node has no dup(2), so the gateway itself puts the
// pipes at numbers that a handler does not know; libuv keeps them out of the reach of what the handler starts.
'use strict';
const { Socket } = require('net');
const { closeSync, writeSync } = require('fs');
const path = require('path');

const RESULT = 2, REPLY = 3, ERROR = 4, READY = 5, INIT_ERROR = 6; // from us
const INVOKE = 1, DRAIN = 7; // to us, and CANCEL = 8
const RAW = 1; // flag of INVOKE
const LAST = 1; // flag of ERROR
const JSON_FIELD = 'content-type: application/json\r\n';

const [directory, file, name, limitText, concurrencyText, eventsText, answersText] = process.argv.splice(2);
const limit = Number(limitText);
const concurrency = Number(concurrencyText);
const answers = Number(answersText);
const now = () => performance.now();

/** What the handler returned cannot be sent. */
class Refused extends Error {
  constructor(message, type = 'Runtime.MarshalError') {
    super(message);
    this.name = type;
    this.stack = '';
  }
}

// -- The context, as Lambda has it ------------------------------------------------------------------------------------

const environment = process.env;
environment.AWS_EXECUTION_ENV = `AWS_Lambda_nodejs${process.versions.node.split('.')[0]}.x`;
// Read once: each look at process.env asks the C library.
const functionName = environment.AWS_LAMBDA_FUNCTION_NAME ?? '';
const functionVersion = environment.AWS_LAMBDA_FUNCTION_VERSION ?? '$LATEST';
const memoryLimitInMB = environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? '128';
const logGroupName = environment.AWS_LAMBDA_LOG_GROUP_NAME ?? '';
const logStreamName = environment.AWS_LAMBDA_LOG_STREAM_NAME ?? '';
const functionArn = environment.PENSTOCK_FUNCTION_ARN ?? '';

/** What a handler may know of its invocation. */
class Context {
  #deadline;
  constructor(invocation, fields, remaining) {
    this.#deadline = now() + remaining;
    this.callbackWaitsForEmptyEventLoop = true; // as Lambda's has it, but without effect: a callback answers at once
    this.functionName = functionName;
    this.functionVersion = functionVersion;
    this.memoryLimitInMB = memoryLimitInMB;
    this.logGroupName = logGroupName;
    this.logStreamName = logStreamName;
    this.awsRequestId = invocation.requestId;
    this.invokedFunctionArn = fields['invoked-arn'] ?? functionArn;
    this.identity = undefined;
    this.clientContext = fields['client-context'] ? JSON.parse(fields['client-context']) : undefined;
    this.tenantId = fields['tenant-id'];
    this.done = (error, result) => (error ? invocation.fail(error) : invocation.succeed(result));
    this.succeed = (result) => invocation.succeed(result);
    this.fail = (error) => invocation.fail(error ?? 'null');
  }
  getRemainingTimeInMillis() {
    return Math.max(0, Math.floor(this.#deadline - now()));
  }
}

// -- From what the handler returned to an envelope --------------------------------------------------------------------

function numberOf(status) {
  const number = typeof status === 'string' && /^[0-9]{1,9}$/.test(status) ? Number(status) : status;
  if (!Number.isInteger(number) || number < 200 || number > 599) {
    const given = String(JSON.stringify(status)).slice(0, 40);
    throw new Refused(`statusCode must be a number from 200 to 599, not ${given}`);
  }
  return number;
}

function textOf(value) {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  throw new Refused(`a header's value must be a string, not ${Array.isArray(value) ? 'a list' : typeof value}`);
}

function isPlain(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function* pairsOf(fields, what) {
  if (fields === undefined || fields === null) return;
  if (!isPlain(fields)) throw new Refused(`${what} must be an object`);
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    if (Array.isArray(value)) {
      for (const item of value) if (item !== undefined && item !== null) yield [name, textOf(item)];
    } else if (value !== undefined && value !== null) {
      yield [name, textOf(value)];
    }
  }
}

/** The lines of all fields, each ended by CR LF. */
function fieldsOf(result) {
  if (result.headers == null && result.multiValueHeaders == null && result.cookies == null) return JSON_FIELD;
  let pairs = [...pairsOf(result.headers, 'headers')];
  const several = [...pairsOf(result.multiValueHeaders, 'multiValueHeaders')];
  if (several.length > 0) {
    const given = new Set(several.map(([name, value]) => name.toLowerCase() + ':' + value));
    pairs = pairs.filter(([name, value]) => !given.has(name.toLowerCase() + ':' + value)).concat(several);
  }
  if (result.cookies !== undefined && result.cookies !== null) {
    if (!Array.isArray(result.cookies)) throw new Refused('cookies must be a list');
    for (const cookie of result.cookies) pairs.push(['set-cookie', textOf(cookie)]);
  }
  let lines = '';
  let typed = false;
  for (const [name, value] of pairs) {
    if (/[:\r\n]/.test(name)) throw new Refused(`${JSON.stringify(name).slice(0, 60)} is not a header's name`);
    if (/[\r\n]/.test(value)) throw new Refused(`the value of the header ${name} has a line break in it`);
    typed ||= name.toLowerCase() === 'content-type';
    lines += name + ': ' + value + '\r\n';
  }
  return typed ? lines : lines + JSON_FIELD;
}

/** Strictly, as RFC 4648 has it; only the padding may be absent. */
function decodeBase64(text) {
  const data = Buffer.from(text, 'base64');
  const plain = data.toString('base64');
  if (text !== plain && text !== plain.replace(/=+$/, '')) {
    throw new Refused('isBase64Encoded is true, but the body is not base64');
  }
  return data;
}

/** A string or a Buffer. */
function bodyOf({ body, isBase64Encoded }) {
  if (body === undefined || body === null) return '';
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (typeof body === 'object') throw new Refused('body must be a string; did you forget JSON.stringify?');
  const text = textOf(body);
  if (isBase64Encoded !== true) return text;
  return decodeBase64(text.replace(/[\r\n]/g, ''));
}

function marshal(value) {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch (error) {
    throw new Refused(`Unable to marshal response: ${error.message}`);
  }
}

function checkSize(size) {
  if (size > limit) {
    throw new Refused(
      `Response payload size exceeded maximum allowed payload size (${limit} bytes).`, 'Function.ResponseSizeTooLarge');
  }
}

// -- Frames -----------------------------------------------------------------------------------------------------------

function headOf(buffer, kind, aux, id, flags = 0) {
  buffer.writeUInt32BE(buffer.length - 4, 0);
  buffer.writeUInt16BE((kind << 8) | flags, 4);
  buffer.writeUInt16BE(aux, 6);
  buffer.writeUInt32BE(id[0], 8);
  buffer.writeUInt32BE(id[1], 12);
}

/** Waits where the gateway is slow to read: a stream of its own would cost more than it gives. */
function write(frame) {
  try {
    let sent = writeSync(answers, frame);
    while (sent < frame.length) sent += writeSync(answers, frame, sent);
  } catch {
    process.exit(1); // the gateway is gone
  }
}

function frameOf(kind, aux, id, text, flags) {
  const length = Buffer.byteLength(text);
  const buffer = Buffer.allocUnsafe(16 + length);
  headOf(buffer, kind, aux, id, flags);
  buffer.utf8Write(text, 16, length);
  return buffer;
}

/** Status, lines of fields and body, as payload 2.0 has it; whatever has no statusCode is itself the body. */
function replyOf(id, result) {
  let status = 200, fields = JSON_FIELD, body;
  if (isPlain(result) && 'statusCode' in result) {
    status = numberOf(result.statusCode);
    fields = fieldsOf(result);
    body = bodyOf(result);
  } else {
    body = typeof result === 'string' ? result : marshal(result);
  }
  const text = typeof body === 'string';
  const fieldsLength = fields === JSON_FIELD ? JSON_FIELD.length : Buffer.byteLength(fields);
  const bodyLength = text ? Buffer.byteLength(body) : body.length;
  checkSize(fieldsLength + bodyLength);
  const buffer = Buffer.allocUnsafe(22 + fieldsLength + bodyLength);
  headOf(buffer, REPLY, 0, id);
  buffer.writeUInt16BE(status, 16);
  buffer.writeUInt32BE(fieldsLength, 18);
  buffer.utf8Write(fields, 22, fieldsLength);
  if (text) buffer.utf8Write(body, 22 + fieldsLength, bodyLength);
  else body.copy(buffer, 22 + fieldsLength);
  return buffer;
}

function resultOf(id, result) {
  const text = marshal(result);
  checkSize(Buffer.byteLength(text));
  return frameOf(RESULT, 0, id, text);
}

// -- Errors -----------------------------------------------------------------------------------------------------------

/** An error as JSON for the gateway; and as text for the log. */
function describe(error, requestId, type) {
  let message, stack = [];
  if (error instanceof Error) {
    type ??= error.name || 'Error';
    message = error.message;
    stack = error.stack ? String(error.stack).split('\n').slice(0, 21) : [];
  } else {
    type ??= typeof error;
    message = typeof error === 'string' ? error : String(safely(() => JSON.stringify(error)) ?? error);
  }
  message = String(message).slice(0, 32768);
  const places = stack.filter((line) => line.startsWith('    at '));
  safely(() => console.error([`[ERROR] ${type}: ${message}`, ...places].join('\n')));
  return JSON.stringify({ errorMessage: message, errorType: String(type), requestId, stackTrace: stack });
}

function safely(body) {
  try {
    return body();
  } catch {
    return undefined;
  }
}

// -- Invocations ------------------------------------------------------------------------------------------------------

const running = new Set();
let draining = false;
let traced = false;

/** One event, from its frame to its answer, which is given once. */
class Invocation {
  constructor(id, requestId, isRaw) {
    this.id = id;
    this.requestId = requestId;
    this.isRaw = isRaw;
    this.waits = false; // for a callback, or for the loop to have nothing left to do
    running.add(this);
  }
  succeed(result) {
    if (!running.delete(this)) return;
    let frame;
    try {
      frame = this.isRaw ? resultOf(this.id, result) : replyOf(this.id, result);
    } catch (error) {
      frame = frameOf(ERROR, 0, this.id, describe(error, this.requestId));
    }
    this.finish(frame);
  }
  fail(error, type, flags) {
    if (!running.delete(this)) return;
    this.finish(frameOf(ERROR, 0, this.id, describe(error, this.requestId, type), flags));
  }
  finish(frame) {
    write(frame);
    if (this.waits) events.ref();
    if (draining && running.size === 0) leave();
  }
  run(handler, event, context) {
    let result;
    try {
      result = handler(event, context, (error, value) => (error ? this.fail(error) : this.succeed(value)));
    } catch (error) {
      return this.fail(error);
    }
    if (result !== null && typeof result === 'object' && typeof result.then === 'function') {
      result.then((value) => this.succeed(value), (error) => this.fail(error));
    } else if (result !== undefined && handler.length < 3) {
      this.succeed(result); // Lambda would wait for a callback that the handler does not even take
    } else if (running.has(this)) {
      // It may call back later. If it never will, the loop runs empty, and the answer is null, as on Lambda.
      this.waits = true;
      events.unref();
    }
  }
}

process.on('beforeExit', () => {
  events.ref();
  for (const invocation of [...running]) if (invocation.waits) invocation.succeed(null);
});

function leave() {
  process.exit(0);
}

/** Nobody knows what state the process is in: the events in it fail, and it ends. */
function fatal(error, type) {
  if (running.size === 0) describe(error, '', type);
  for (const invocation of [...running]) invocation.fail(error, type, LAST);
  process.exit(1);
}

process.on('uncaughtException', (error) => fatal(error));
process.on('unhandledRejection', (reason) => fatal(reason, 'Runtime.UnhandledPromiseRejection'));

const NO_FIELDS = Object.freeze({});

function fieldsIn(lines) {
  const fields = {};
  for (const line of lines.split('\r\n')) {
    const colon = line.indexOf(': ');
    if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 2);
  }
  return fields;
}

function invoke(frame, handler) {
  const id = [frame.readUInt32BE(8), frame.readUInt32BE(12)];
  const start = 22 + frame.readUInt16BE(20);
  const lines = frame.latin1Slice(22, start);
  const end = lines.indexOf('\r\n');
  const requestId = lines.slice(12, end); // the first line is "request-id: ..."
  const fields = end + 2 === lines.length ? NO_FIELDS : fieldsIn(lines.slice(end + 2));
  const traceId = fields['trace-id'];
  if (traceId) environment._X_AMZN_TRACE_ID = traceId;
  else if (traced) delete environment._X_AMZN_TRACE_ID; // of an event before
  traced = Boolean(traceId);
  const invocation = new Invocation(id, requestId, (frame[5] & RAW) !== 0);
  let event, context;
  try {
    event = JSON.parse(frame.utf8Slice(start, frame.length));
    context = new Context(invocation, fields, frame.readUInt32BE(16));
  } catch (error) {
    return invocation.fail(new Refused(`Unable to unmarshal input: ${error.message}`, 'Runtime.UnmarshalError'));
  }
  invocation.run(handler, event, context);
}

/** Cuts what arrives into frames; most reads are one whole frame. */
function receiver(take) {
  let held = null, filled = 0;
  return (count, chunk) => {
    let offset = 0;
    while (offset < count) {
      if (held === null) {
        if (count - offset >= 4) {
          const length = chunk.readUInt32BE(offset) + 4;
          if (count - offset >= length) {
            take(chunk.subarray(offset, offset + length));
            offset += length;
            continue;
          }
          held = Buffer.allocUnsafeSlow(length);
        } else {
          held = Buffer.allocUnsafeSlow(4);
        }
        filled = 0;
      }
      const part = Math.min(held.length - filled, count - offset);
      chunk.copy(held, filled, offset, offset + part);
      filled += part;
      offset += part;
      if (filled < held.length) continue;
      if (filled === 4) { // only now is its length known
        const whole = Buffer.allocUnsafeSlow(held.readUInt32BE(0) + 4);
        held.copy(whole);
        held = whole;
        continue;
      }
      const frame = held;
      held = null;
      take(frame);
    }
    return true;
  };
}

// -- The handler ------------------------------------------------------------------------------------------------------

async function load() {
  let module;
  try {
    if (file.endsWith('.mjs')) {
      module = await imported();
    } else {
      try {
        module = require(file);
      } catch (error) {
        if (error?.code !== 'ERR_REQUIRE_ESM' && error?.code !== 'ERR_REQUIRE_ASYNC_MODULE') throw error;
        module = await imported();
      }
    }
  } catch (error) {
    if (error?.code === 'MODULE_NOT_FOUND' || error?.code === 'ERR_MODULE_NOT_FOUND') {
      error.message = `Unable to import module '${moduleName()}': ${error.message}`;
      throw Object.assign(error, { type: 'Runtime.ImportModuleError' });
    }
    if (error instanceof SyntaxError) {
      const place = /^(.+):(\d+)\n/.exec(error.stack); // what Node tells of CommonJS only
      const where = place ? ` (${path.basename(place[1])}, line ${place[2]})` : '';
      error.message = `Syntax error in module '${moduleName()}': ${error.message}${where}`;
      throw Object.assign(error, { type: 'Runtime.UserCodeSyntaxError' });
    }
    throw error;
  }
  const handler = module?.[name] ?? module?.default?.[name] ?? (name === 'default' ? module : undefined);
  if (typeof handler !== 'function') {
    const message = handler === undefined ? 'is undefined or not exported' : 'is not a function';
    throw new Refused(`${moduleName()}.${name} ${message}`, 'Runtime.HandlerNotFound');
  }
  return handler;
}

function imported() {
  return import(require('url').pathToFileURL(file).href);
}

function moduleName() {
  return path.relative(directory, file).replace(/\.[cm]?js$/, '');
}

let take = () => {};
const receive = receiver((frame) => take(frame));
closeSync(4);
process.argv[1] = file;
const events = new Socket({
  fd: Number(eventsText),
  readable: true,
  writable: false,
  manualStart: true, // nothing is read before the handler is there
  onread: { buffer: Buffer.allocUnsafeSlow(65536), callback: receive },
});
events.on('error', () => process.exit(1));
events.on('end', () => process.exit(0));

load().then(
  (handler) => {
    take = (frame) => {
      if (frame[4] === INVOKE) return invoke(frame, handler);
      if (frame[4] === DRAIN) {
        draining = true;
        if (running.size === 0) leave();
      }
      // CANCEL: the answer is dropped by the gateway; JavaScript has no way to stop what runs.
    };
    write(frameOf(READY, concurrency, [0, 0], ''));
    events.resume();
  },
  (error) => {
    write(frameOf(INIT_ERROR, 0, [0, 0], describe(error, '', error?.type)));
    process.exit(1);
  },
);
