import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";

/** A check that failed, and what to do about it. */
export class SmokeFailure extends Error {}

/** The service that is checked. */
export interface Subject {
  /** The address without a path. */
  url: string;
  /** The version that must run; undefined for any. */
  version: string | undefined;
}

export interface Reply {
  status: number;
  headers: Headers;
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the service answers.
  body: any;
}

const TIMEOUT_MS = 20_000;

const HEADERS: Readonly<Record<string, RegExp>> = {
  "Strict-Transport-Security": /max-age=\d{8}/,
  "X-Content-Type-Options": /^nosniff$/,
  "X-Frame-Options": /^DENY$/,
  "Referrer-Policy": /^no-referrer$/,
  "Content-Security-Policy": /default-src 'none'/,
  "Cache-Control": /no-store/,
  "X-Request-Id": /^[\w-]{8,}$/,
};

/** Sends a request. Throws a SmokeFailure if nothing answers. */
export async function send(
  { url }: Pick<Subject, "url">,
  path: string,
  { method = "GET", body, token }: { method?: string; body?: unknown; token?: string } = {},
): Promise<Reply> {
  const headers = new Headers();
  if (token) headers.set("Authorization", `Bearer ${token}`);
  if (body !== undefined) headers.set("Content-Type", "application/json");
  const init = { method, headers, redirect: "manual", signal: AbortSignal.timeout(TIMEOUT_MS) };
  const response = await fetch(url + path, {
    ...(init as RequestInit),
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }).catch((error: Error) => {
    const cause = error.cause instanceof Error ? error.cause.message : error.message;
    throw new SmokeFailure(
      `nothing answers (${cause}). Is the address right, and does it lead to the worker?`,
    );
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: parse(text) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Throws a SmokeFailure with the answer's code, or the beginning of its text, unless it has the status. */
export function expectStatus(reply: Reply, status: number, advice = ""): void {
  if (reply.status === status) return;
  if (reply.status === 429) {
    const after = reply.headers.get("Retry-After");
    throw new SmokeFailure(
      `429: the rate limit of this address is used up. Try again in ${after} seconds.`,
    );
  }
  const said = reply.body?.code ?? reply.text.slice(0, 80).replaceAll(/\s+/g, " ");
  throw new SmokeFailure(`${reply.status} instead of ${status}: ${said}. ${advice}`.trim());
}

/** The checks that need no account, in the order in which they are run. Each returns what it found. */
export const PUBLIC_CHECKS: readonly [string, (subject: Subject) => Promise<string>][] = [
  ["health", checkHealth],
  ["ready", checkReady],
  ["keys", checkKeys],
  ["openapi", checkDocument],
  ["security headers", checkHeaders],
  ["credentials", checkRefusal],
  ["pages", checkPages],
];

async function checkHealth(subject: Subject): Promise<string> {
  const reply = await send(subject, "/health");
  expectStatus(reply, 200, "Is this the address of Roster?");
  const { status, version } = reply.body ?? {};
  if (status !== "healthy") throw new SmokeFailure("this is not Roster: /health has another form.");
  if (subject.version === undefined || version === subject.version) return `version ${version}`;
  throw new SmokeFailure(
    `version ${version} runs, not ${subject.version}. Deploy, wait until the deploy has reached this location, or add --any-version.`,
  );
}

async function checkReady(subject: Subject): Promise<string> {
  const reply = await send(subject, "/ready");
  const checks: Record<string, { status: string; detail?: string }> = reply.body?.checks ?? {};
  if (reply.status === 503) {
    const failed = Object.entries(checks).filter(([, { status }]) => status === "failed");
    const details = failed.map(([name, { detail }]) => `${name}: ${detail}`).join("; ");
    throw new SmokeFailure(`the service is not ready. ${details || reply.body?.detail || ""}`);
  }
  expectStatus(reply, 200);
  if (checks.data_keys?.status === "missing") {
    throw new SmokeFailure(
      "data_keys is missing: add the key again that was removed from DATA_KEYS.",
    );
  }
  return Object.entries(checks)
    .map(([name, { status }]) => `${name} ${status}`)
    .join(", ");
}

async function checkKeys(subject: Subject): Promise<string> {
  const { keys } = await readKeys(subject);
  if (keys.length === 0) throw new SmokeFailure("there is no key. Check SIGNING_KEYS.");
  if (keys.some((key) => "d" in key || "k" in key)) {
    throw new SmokeFailure("a private key is public! Rotate SIGNING_KEYS with --keep 0 at once.");
  }
  return `${keys.length} public`;
}

async function readKeys(subject: Subject): Promise<JSONWebKeySet> {
  const reply = await send(subject, "/.well-known/jwks.json");
  expectStatus(reply, 200, "Check SIGNING_KEYS.");
  if (!Array.isArray(reply.body?.keys)) throw new SmokeFailure("the answer is no JWK Set.");
  return reply.body;
}

async function checkDocument(subject: Subject): Promise<string> {
  const [reply, health] = [await send(subject, "/openapi.json"), await send(subject, "/health")];
  expectStatus(reply, 200);
  const { openapi, info, paths } = reply.body ?? {};
  if (!/^3\.1/.test(openapi)) throw new SmokeFailure("the answer is no OpenAPI 3.1 document.");
  if (info.version !== health.body?.version) {
    throw new SmokeFailure(`it describes ${info.version}, but ${health.body?.version} runs.`);
  }
  return `${Object.keys(paths).length} paths`;
}

async function checkHeaders(subject: Subject): Promise<string> {
  const { headers } = await send(subject, "/health");
  const wrong = Object.entries(HEADERS).filter(
    ([name, form]) => !form.test(headers.get(name) ?? ""),
  );
  if (wrong.length > 0) {
    const names = wrong.map(([name]) => `${name}: ${headers.get(name) ?? "missing"}`).join("; ");
    throw new SmokeFailure(`${names}. Does a proxy in front of the worker change headers?`);
  }
  const timing = headers.get("Server-Timing");
  if (timing && subject.url.startsWith("https:")) {
    throw new SmokeFailure("Server-Timing shows what requests cost. Set SERVER_TIMING to off.");
  }
  return `${Object.keys(HEADERS).length} as they should be`;
}

async function checkRefusal(subject: Subject): Promise<string> {
  const reply = await send(subject, "/v1/users");
  expectStatus(reply, 401);
  const type = reply.headers.get("Content-Type") ?? "";
  if (!type.startsWith("application/problem+json") || !reply.headers.get("WWW-Authenticate")) {
    throw new SmokeFailure("the 401 is no problem document with WWW-Authenticate.");
  }
  return "required, 401 without one";
}

async function checkPages(subject: Subject): Promise<string> {
  const reply = await send(subject, "/console");
  expectStatus(reply, 200, "Were the assets built? Deploy with `npm run deploy -- --env NAME`.");
  const [script] = /\/pages\/assets\/[^"]+\.js/.exec(reply.text) ?? [];
  if (!script) throw new SmokeFailure("/console has no script.");
  expectStatus(await send(subject, script), 200, "The page's script is not among the assets.");
  return "the console and its script";
}

/** Verifies an access token with the published keys, as other services do. Returns its issuer. */
export async function verifyToken(subject: Subject, token: string): Promise<string> {
  const keys = createLocalJWKSet(await readKeys(subject));
  const { payload } = await jwtVerify(token, keys).catch((error: Error) => {
    throw new SmokeFailure(`the published keys do not verify the access token (${error.message}).`);
  });
  return String(payload.iss);
}
