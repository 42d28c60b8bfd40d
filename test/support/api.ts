import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import worker from "../../src/index.ts";
import { FAULT_CODES } from "../../src/lib/fault-codes.ts";
import { checkDocumented } from "./documented.ts";
import { currentIsolate } from "./isolates.ts";
import { noteBody, noteRequest } from "./leaks.ts";

const ORIGIN = "https://roster.test";

export interface RequestOptions {
  method?: string;
  /** Sent as JSON, unless `raw` or `contentType` says otherwise. */
  body?: unknown;
  raw?: BodyInit;
  token?: string;
  headers?: Record<string, string>;
  /** Bindings to run against instead of the test's own, for example some that fail. */
  bindings?: Cloudflare.Env;
  ip?: string;
}

export interface Answer<T = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: T;
  text: string;
}

/**
 * Sends a request through the worker's own fetch and waits for its `waitUntil` promises. A response that differs from the OpenAPI
 * document fails the test file.
 */
export async function send<T = any>(
  path: string,
  options: RequestOptions = {},
): Promise<Answer<T>> {
  const { request, response, settled } = await start(path, options);
  // `text()` warns about types such as NDJSON.
  const text = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(
    await response.arrayBuffer(),
  );
  await settled;
  const { status, headers } = response;
  const { pathname } = new URL(request.url);
  if (pathname.startsWith("/v1/")) noteBody(text);
  checkDocumented({ method: request.method, path: pathname, status, headers, text });
  const isJson = /[/+]json/.test(response.headers.get("Content-Type") ?? "");
  const body = isJson && text ? JSON.parse(text) : undefined;
  if (status === 422) requireListedCodes(body);
  return { status, headers, text, body: body as T };
}

/** Every test checks that /docs/errors lists the codes of the faults that it sees. */
function requireListedCodes({ errors }: { errors?: { code: string; message: string }[] }): void {
  for (const { code, message } of errors ?? []) {
    if (!Object.hasOwn(FAULT_CODES, code)) throw new Error(`no fault code: ${code}`);
    if (!/^[A-Z].*\.$/.test(message)) throw new Error(`no sentence: ${message}`);
  }
}

/** Sends a request and returns it with its response, unread. `settled` resolves once its `waitUntil` promises have. */
export async function start(path: string, options: RequestOptions = {}) {
  const hasBody = options.body !== undefined || options.raw !== undefined;
  const headers = new Headers(options.headers);
  if (options.body !== undefined && !headers.has("Content-Type")) {
    headers.set("Content-Type", "application/json");
  }
  if (options.token) headers.set("Authorization", `Bearer ${options.token}`);
  headers.set("CF-Connecting-IP", options.ip ?? "203.0.113.7");
  const request = new Request<unknown, IncomingRequestCfProperties>(ORIGIN + path, {
    method: options.method ?? (hasBody ? "POST" : "GET"),
    headers,
    ...(hasBody && { body: options.raw ?? JSON.stringify(options.body) }),
  });
  noteRequest(new URL(request.url), headers, options.raw ?? options.body);
  const executionContext = createExecutionContext();
  const response = await worker.fetch(
    request,
    options.bindings ?? currentIsolate(),
    executionContext,
  );
  return { request, response, settled: waitOnExecutionContext(executionContext) };
}

/** The cost of a request, from its Server-Timing header. */
export function costOf(answer: Answer<unknown>) {
  const header = answer.headers.get("Server-Timing") ?? "";
  const figure = (name: string) => Number(new RegExp(`${name}=(\\d+)`).exec(header)?.[1]);
  return {
    queries: figure("queries"),
    rowsRead: figure("rows_read"),
    rowsWritten: figure("rows_written"),
    kvReads: figure("reads"),
    kvWrites: figure("writes"),
  };
}
