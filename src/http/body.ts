import type { Context as HonoContext, MiddlewareHandler } from "hono";
import { AppError } from "../errors.ts";
import { describeError } from "../platform/logger.ts";
import type { AppEnv } from "./app-env.ts";

const MAX_BODY_BYTES = 64 * 1024;

/** How much of a refused body is read and discarded, so that the connection can be used again. */
const MAX_DRAINED_BYTES = 8 * 1024 * 1024;
const MAX_DRAIN_MS = 2000;

/** The media type of newline-delimited JSON. */
export const NDJSON_TYPE = "application/x-ndjson";
/** The media type of form data (WHATWG URL, application/x-www-form-urlencoded). */
export const FORM_TYPE = "application/x-www-form-urlencoded";
const JSON_TYPE = "application/json";
/** The media type of a JSON merge patch (RFC 7396), which PATCH also accepts. */
export const MERGE_PATCH_TYPE = "application/merge-patch+json";

/** What an operation takes as its body. */
export interface BodyRules {
  acceptsForms: boolean;
  /** Whether newline-delimited JSON is accepted, too. Its lines become the array `data`. */
  acceptsLines: boolean;
  /** Whether the body may be missing. */
  isOptional: boolean;
  maxBytes?: number | undefined;
}

/**
 * Reads the request body and passes it on as `application/json`. If the operation accepts forms, a form becomes an object of
 * its fields. If it accepts newline-delimited JSON, the lines become the array `data`, with null for a line that is not valid
 * JSON. An empty body becomes an empty object, so that validation names every missing field, and refuses it. An optional body that is
 * left out is not validated.
 * Throws `payload_too_large` as soon as more than 64 KiB, or `maxBytes`, have arrived (hono's body-limit trusts
 * `Content-Length`), `unsupported_media_type`, `malformed_json`, `unreadable_body`.
 */
export function readBody(rules: BodyRules): MiddlewareHandler<AppEnv> {
  const { acceptsForms, acceptsLines, isOptional, maxBytes = MAX_BODY_BYTES } = rules;
  return async function readBody(c, next) {
    const bytes = await readBounded(c, maxBytes);
    const isMissing = bytes.byteLength === 0;
    const type = toMediaType(c.req.header("Content-Type") ?? "");
    const isForm = acceptsForms && type === FORM_TYPE;
    const isLines = acceptsLines && type === NDJSON_TYPE;
    if (!isMissing && !isForm && !isLines && !isJson(type, c.req.method)) {
      throw unsupportedType(c.req.method);
    }
    if (isMissing && isOptional) {
      leaveBodyOut(c);
      return next();
    }
    const text = isMissing ? "{}" : decode(bytes);
    c.set("isBodyMissing", isMissing);
    c.req.raw = new Request(c.req.raw.url, {
      method: c.req.method,
      headers: withType(c.req.raw.headers, JSON_TYPE),
      body: toJson(text, { isForm: isForm && !isMissing, isLines: isLines && !isMissing }),
    });
    return next();
  };
}

/**
 * Reads what is left of the body of a request that was answered before its body was read, up to 8 MiB or for two seconds. Otherwise
 * the rest would be taken for the next request on the connection, or the connection would be reset before the client has the
 * response. The runtime closes the connection of a body that is longer.
 */
export const drainBody: MiddlewareHandler<AppEnv> = async function drainBody(c, next) {
  const { body, headers } = c.req.raw;
  await next();
  if (!body || body.locked) return;
  const isTooLong = Number(headers.get("Content-Length")) > MAX_DRAINED_BYTES;
  const reader = body.getReader();
  try {
    if (!isTooLong && (await isDrained(reader))) return;
    await reader.cancel();
  } catch {
    // The client has gone, or its chunks are malformed. The runtime closes the connection.
  }
};

async function isDrained(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<boolean> {
  const { promise: timeout, resolve } = Promise.withResolvers<"late">();
  const timer = setTimeout(() => resolve("late"), MAX_DRAIN_MS);
  try {
    for (let left = MAX_DRAINED_BYTES; left > 0; ) {
      const result = await Promise.race([reader.read(), timeout]);
      if (result === "late") return false;
      if (result.done) return true;
      left -= result.value.byteLength;
    }
    return false;
  } finally {
    clearTimeout(timer);
  }
}

function leaveBodyOut(c: HonoContext<AppEnv>): void {
  const { url, method, headers } = c.req.raw;
  c.set("isBodyLeftOut", true);
  c.req.raw = new Request(url, { method, headers: withType(headers, undefined) });
}

async function readBounded(c: HonoContext<AppEnv>, maxBytes: number): Promise<Uint8Array> {
  const { body, headers } = c.req.raw;
  if (Number(headers.get("Content-Length")) > maxBytes) throw tooLarge(maxBytes);
  const chunks = body ? await readChunks(c, body, maxBytes) : [];
  const bytes = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.byteLength, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

async function readChunks(
  c: HonoContext<AppEnv>,
  body: ReadableStream<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    // The rest of a body that is too large is left to `drainBody`.
    for await (const chunk of body.values({ preventCancel: true })) {
      size += chunk.byteLength;
      if (size > maxBytes) break;
      chunks.push(chunk);
    }
  } catch (error) {
    // The client's fault: it hung up, or its chunks are malformed.
    c.get("log")("info", "request.body_unreadable", describeError(error));
    throw new AppError("unreadable_body", { cause: error });
  }
  if (size > maxBytes) throw tooLarge(maxBytes);
  return chunks;
}

function tooLarge(maxBytes: number): AppError {
  const detail = `The request body is larger than ${maxBytes / 1024} KiB.`;
  return new AppError("payload_too_large", { detail });
}

/** The media type in lower case, without parameters (RFC 9110 section 8.3.1). Undefined if its charset is not UTF-8. */
function toMediaType(header: string): string | undefined {
  const [type = "", ...parameters] = header.split(";").map((part) => part.trim().toLowerCase());
  const isUtf8 = parameters.every(
    (parameter) => !/^charset\s*=/.test(parameter) || /^charset=("?)utf-?8\1$/.test(parameter),
  );
  return isUtf8 ? type : undefined;
}

function isJson(type: string | undefined, method: string): boolean {
  return type === JSON_TYPE || (type === MERGE_PATCH_TYPE && method === "PATCH");
}

// `Accept-Patch` as in RFC 5789 section 2.2.
function unsupportedType(method: string): AppError {
  const headers = method === "PATCH" ? { "Accept-Patch": `${JSON_TYPE}, ${MERGE_PATCH_TYPE}` } : {};
  return new AppError("unsupported_media_type", { headers });
}

function toJson(text: string, { isForm, isLines }: { isForm: boolean; isLines: boolean }): string {
  if (isLines) return toLinesJson(text);
  return isForm ? toFormJson(text) : text;
}

// Each line is parsed by itself, so that none can reach into the others.
function toLinesJson(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return `{"data":[${lines.map((line) => (isJsonText(line) ? line : "null")).join(",")}]}`;
}

function isJsonText(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

// As in a query, a field that is sent several times becomes the list of its values.
function toFormJson(text: string): string {
  const fields = Map.groupBy(new URLSearchParams(text), ([name]) => name);
  const entries = [...fields].map(([name, pairs]) => {
    const values = pairs.map(([, value]) => value);
    return [name, values.length === 1 ? values[0] : values];
  });
  return JSON.stringify(Object.fromEntries(entries));
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw new AppError("malformed_json");
  }
}

function withType(headers: Headers, type: string | undefined): Headers {
  const copy = new Headers(headers);
  if (type === undefined) copy.delete("Content-Type");
  else copy.set("Content-Type", type);
  copy.delete("Content-Length");
  return copy;
}
