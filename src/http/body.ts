import type { MiddlewareHandler } from "hono";
import { AppError } from "../errors.ts";
import type { AppEnv } from "./app-env.ts";

const MAX_BODY_BYTES = 64 * 1024;
const JSON_TYPE = /^application\/json\s*(;.*)?$/i;

/** The media type of form data (WHATWG URL, application/x-www-form-urlencoded). */
export const FORM_TYPE = "application/x-www-form-urlencoded";
const FORM = /^application\/x-www-form-urlencoded\s*(;.*)?$/i;

/**
 * Reads the request body and passes it on as `application/json`. If the operation accepts forms, a form becomes an object of its
 * fields. An empty body becomes an empty object, so that validation names every missing field. Throws `payload_too_large` as soon
 * as more than 64 KiB have arrived (hono's body-limit trusts `Content-Length`), `unsupported_media_type`, `malformed_json`.
 */
export function readBody({ acceptsForms }: { acceptsForms: boolean }): MiddlewareHandler<AppEnv> {
  return async function readBody(c, next) {
    const bytes = await readBounded(c.req.raw);
    const type = c.req.header("Content-Type") ?? "";
    const isForm = acceptsForms && FORM.test(type);
    if (bytes.byteLength > 0 && !isForm && !JSON_TYPE.test(type)) {
      throw new AppError("unsupported_media_type");
    }
    const text = bytes.byteLength === 0 ? "{}" : decode(bytes);
    c.req.raw = new Request(c.req.raw.url, {
      method: c.req.method,
      headers: withJsonType(c.req.raw.headers),
      body: isForm ? JSON.stringify(Object.fromEntries(new URLSearchParams(text))) : text,
    });
    return next();
  };
}

async function readBounded(request: Request): Promise<Uint8Array> {
  if (Number(request.headers.get("Content-Length")) > MAX_BODY_BYTES) {
    throw new AppError("payload_too_large");
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) throw new AppError("payload_too_large");
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    throw new AppError("malformed_json");
  }
}

function withJsonType(headers: Headers): Headers {
  const copy = new Headers(headers);
  copy.set("Content-Type", "application/json");
  copy.delete("Content-Length");
  return copy;
}
