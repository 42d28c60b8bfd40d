import { setTimeout } from "node:timers/promises";
import { UsageError } from "./fail.ts";
import type { ImportRow } from "./import-formats.ts";

/** What the service answered about a row. */
export interface RowResult {
  index: number;
  status: "created" | "rejected";
  errors?: { path: string; code: string; message: string }[];
}

interface Call {
  /** The same for each repetition of a call. */
  key: string;
  rows: readonly ImportRow[];
  hashParameters: unknown;
}

const MAX_ATTEMPTS = 10;
const MAX_PAUSE_SECONDS = 60;

/** Sends a call and returns what became of each row. Throws a UsageError if the service refuses the call. */
export type SendCall = (call: Call) => Promise<RowResult[]>;

/**
 * Creates the function that sends the calls of an import. A call is repeated while the service limits the rate, and up to ten times
 * while it is unreachable or fails. `onPause` is told how long it waits.
 */
export function createSender(
  { url, credential }: { url: string; credential: string },
  onPause: (seconds: number) => void,
): SendCall {
  const target = new URL("/v1/users/import", url).href;
  return async ({ key, rows, hashParameters }) => {
    const body = JSON.stringify({ data: rows, hash_parameters: hashParameters });
    const headers = { ...toHeaders(credential), "Idempotency-Key": `"${key}"` };
    for (let attempt = 1; ; attempt += 1) {
      const response = await post(target, body, headers);
      if (response?.ok) return ((await response.json()) as { data: RowResult[] }).data;
      const isLimited = response?.status === 429;
      const isTransient = !response || isLimited || response.status >= 500;
      if (!isTransient || (!isLimited && attempt >= MAX_ATTEMPTS)) throw await toError(response);
      await response?.body?.cancel();
      const seconds = toPauseSeconds(response, attempt);
      onPause(seconds);
      await setTimeout(seconds * 1000);
    }
  };
}

// Undefined if the service cannot be reached. Redirects are not followed: the API key and the hashes would go to another host.
async function post(url: string, body: string, headers: Record<string, string>) {
  try {
    return await fetch(url, { method: "POST", body, headers, redirect: "manual" });
  } catch {
    return undefined;
  }
}

function toPauseSeconds(response: Response | undefined, attempt: number): number {
  const asked = Number(response?.headers.get("Retry-After"));
  return asked > 0 ? asked : Math.min(2 ** attempt, MAX_PAUSE_SECONDS);
}

function toHeaders(credential: string): Record<string, string> {
  const sent = credential.startsWith("rstk_")
    ? { "X-API-Key": credential }
    : { Authorization: `Bearer ${credential}` };
  return { "Content-Type": "application/json", ...sent };
}

async function toError(response: Response | undefined): Promise<UsageError> {
  if (!response)
    return new UsageError(
      "The service cannot be reached. Start the script again later: it continues where it stopped.",
    );
  const location = response.headers.get("Location");
  if (response.status < 400 && location) {
    return new UsageError(
      `The service redirects to ${location}. Give the address of the service as --url.`,
    );
  }
  const problem = (await response.json().catch(() => ({}))) as {
    code?: string;
    detail?: string;
    errors?: { path: string; message: string }[];
  };
  if (response.status === 401) {
    return new UsageError(
      `${response.status} ${problem.code ?? ""}: put a new access token, or a valid API key, into ROSTER_TOKEN, and start the script again. It continues where it stopped.`,
    );
  }
  const faults = (problem.errors ?? []).map(({ path, message }) => `\n  ${path}: ${message}`);
  return new UsageError(
    `${response.status} ${problem.code ?? ""}: ${problem.detail ?? "no detail"}${faults.join("")}`,
  );
}
