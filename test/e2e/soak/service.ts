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

/** Sends each request to an isolate that is chosen at random, and counts it. */
export function createSend({ urls }: Pick<Isolates, "urls">, random: Random) {
  const traffic: Traffic = { requests: 0, statuses: new Map(), durations: [] };
  const send: Send = async (path, call = {}) => {
    const url = urls[random(urls.length)];
    const start = performance.now();
    const response = await fetch(new URL(path, url), toInit(call));
    const text = call.isLost ? "" : await response.text();
    if (call.isLost) await response.body?.cancel();
    traffic.durations.push(performance.now() - start);
    traffic.requests += 1;
    traffic.statuses.set(response.status, (traffic.statuses.get(response.status) ?? 0) + 1);
    const { status, headers } = response;
    return { status, headers, text, body: /^[{[]/.test(text) ? parse(text) : {} };
  };
  return { send, traffic };
}

// NDJSON is no JSON.
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function toInit({ method, body, token, key, headers, ip }: Call): RequestInit {
  const all = new Headers(headers);
  all.set("CF-Connecting-IP", ip ?? "192.0.2.7");
  if (token) all.set("Authorization", `Bearer ${token}`);
  if (key) all.set("X-API-Key", key);
  if (body !== undefined && !all.has("Content-Type")) all.set("Content-Type", "application/json");
  return {
    method: method ?? (body === undefined ? "GET" : "POST"),
    headers: all,
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  };
}
