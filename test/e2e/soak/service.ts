import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { text as readText } from "node:stream/consumers";
import type { Isolates } from "../isolates.ts";

/** A response of the service. */
export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  body: any;
}

export interface Call {
  method?: string;
  body?: unknown;
  token?: string | undefined;
  key?: string;
  headers?: Record<string, string>;
  /** The address that the request comes from. */
  ip?: string;
  /** Leaves the response unread, as if the connection had broken. */
  isLost?: boolean;
}

/** Sends requests to any of several isolates. */
export type Send = (path: string, call?: Call) => Promise<Answer>;

/** Counts of what was sent. */
export interface Traffic {
  requests: number;
  statuses: Map<number, number>;
  durations: number[];
}

/** Chooses numbers: the same ones for one seed. */
export type Random = (below: number) => number;

/** A source of random numbers that can be repeated (mulberry32). */
export function createRandom(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

// Each request has a connection of its own: one that is reused can be closed by the other side at the moment of a request.
const agent = new Agent({ keepAlive: false });

/** Sends each request to an isolate that is chosen at random, and counts it. */
export function createSend({ urls }: Pick<Isolates, "urls">, random: Random) {
  const traffic: Traffic = { requests: 0, statuses: new Map(), durations: [] };
  const send: Send = async (path, call = {}) => {
    const url = new URL(path, urls[random(urls.length)]);
    const start = performance.now();
    const { status, headers, text } = await exchange(url, call);
    traffic.durations.push(performance.now() - start);
    traffic.requests += 1;
    traffic.statuses.set(status, (traffic.statuses.get(status) ?? 0) + 1);
    return { status, headers, text, body: /^[{[]/.test(text) ? parse(text) : {} };
  };
  return { send, traffic };
}

async function exchange(url: URL, call: Call): Promise<Omit<Answer, "body">> {
  const { body, ...init } = toInit(call);
  const sent = request(url, { ...init, agent });
  sent.end(body);
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const status = response.statusCode ?? 0;
  const headers = new Headers(response.headers as Record<string, string>);
  if (!call.isLost) return { status, headers, text: await readText(response) };
  response.destroy();
  return { status, headers, text: "" };
}

// NDJSON is no JSON.
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function toInit({ method, body, token, key, headers, ip }: Call) {
  return {
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers: {
      "CF-Connecting-IP": ip ?? "192.0.2.7",
      ...(body !== undefined && { "Content-Type": "application/json" }),
      ...(token && { Authorization: `Bearer ${token}` }),
      ...(key && { "X-API-Key": key }),
      ...headers,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  };
}
