import { Webhook } from "standardwebhooks";
import { vi } from "vitest";
import { createIsolate } from "./isolates.ts";

const URL = "https://alerts.example/hook";
const SECRET = `whsec_${btoa("a secret of thirty-two bytes....")}`;

/** The settings of a webhook. */
export const WEBHOOK = { ALERT_WEBHOOK_URL: URL, ALERT_WEBHOOK_SECRET: SECRET };

export interface Post {
  id: string;
  body: {
    type: string;
    timestamp: string;
    data: { alert: string; summary: string; value: number; threshold: number };
  };
  init: RequestInit;
}

/**
 * A receiver of webhooks, and bindings that post to it. It verifies every signature as receivers do, with their library, and answers
 * what `respond` says: by default 204.
 */
export function createReceiver() {
  const receiver = {
    bindings: createIsolate(WEBHOOK),
    posts: [] as Post[],
    respond: async (): Promise<Response> => new Response(null, { status: 204 }),
    /** The alerts that were posted since the last call, each with whether it fires. */
    take: (): string[] =>
      receiver.posts.splice(0).map(({ body }) => `${body.data.alert} ${body.type}`),
  };
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    if (input !== URL || !init) throw new Error(`a request to ${input}`);
    const headers = Object.fromEntries(new Headers(init.headers as Record<string, string>));
    // The library compares the time with that of the machine, which tests stop.
    const body = new Webhook(SECRET).verify(String(init.body), headers) as Post["body"];
    receiver.posts.push({ id: headers["webhook-id"] ?? "", body, init });
    return receiver.respond();
  });
  return receiver;
}
