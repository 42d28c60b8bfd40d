import { findLeaks, noteBody, noteLine, notePrivate, noteRequest } from "../support/leaks.ts";
import { type Incoming, type Outgoing, type Send, toUrl } from "./http.ts";
import type { Service } from "./service.ts";

/** Members of responses that are secrets, or lists of them. */
const SECRETS =
  /^(access_token|refresh_token|login_token|mfa_token|reset_token|key|secret|otpauth_url|recovery_codes)$/;

/** What the service has logged, as far as it must not be there. */
export interface LogWatch {
  /** Sends requests, and notes what no line may have: what they contain, and the secrets in their responses. */
  send: Send;
  /** Finds lines with what was noted, or with one of these other secrets, and lines about errors. */
  findFaults: (secrets: readonly string[]) => string[];
}

/** Watches what a service logs from now on. */
export function watchLog(service: Service, send: Send): LogWatch {
  const errors = new Map<string, string>();
  service.watchLines((line) => {
    noteLine([line]);
    // All lines of the service are JSON.
    const { level, event } = parse(line) ?? { level: "error", event: line };
    if (level === "error" && !errors.has(event)) errors.set(event, line);
  });
  return {
    async send(outgoing) {
      noteSent(service.url, outgoing);
      const got = await send(outgoing);
      noteSecrets(got);
      return got;
    },
    findFaults(secrets) {
      for (const secret of secrets) notePrivate(secret);
      return [
        ...findLeaks().map((leak) => `a line of the log has a secret or personal data: ${leak}`),
        ...[...errors.values()].map((line) => `the service has logged an error: ${line}`),
      ];
    },
  };
}

function noteSent(origin: URL, { path, headers, body }: Outgoing): void {
  const type = headers["Content-Type"] ?? "";
  const text = body?.toString() ?? "";
  // Paths contain ids and words of the API, also in odd forms.
  const { search } = toUrl(origin, path);
  noteRequest(new URL(search, origin), new Headers(headers), "");
  if (type.includes("form"))
    noteBody(JSON.stringify(Object.fromEntries(new URLSearchParams(text))));
  for (const part of type.includes("ndjson") ? text.split("\n") : [text]) noteBody(part);
}

function noteSecrets({ text }: Incoming): void {
  parse(text, (name, value) => {
    if (SECRETS.test(name)) for (const secret of [value].flat()) noteBody(JSON.stringify(secret));
    return value;
  });
}

function parse(text: string, reviver?: (name: string, value: any) => unknown): any {
  try {
    return JSON.parse(text, reviver);
  } catch {
    return undefined;
  }
}
