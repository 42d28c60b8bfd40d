import { env } from "cloudflare:workers";
import { beforeAll } from "vitest";
import { type RequestOptions, send } from "./api.ts";
import { createTestKey, sendWithKey, type TestKey } from "./credentials.ts";
import { createTestUser } from "./fixtures.ts";

/** Creates an API key that may introspect tokens. */
export async function createIntrospector(): Promise<TestKey> {
  return createTestKey(await createTestUser("admin"), ["tokens:introspect"]);
}

/** Asks about a token. */
export function introspect(service: TestKey, token: string, options: RequestOptions = {}) {
  return sendWithKey(service, "/v1/auth/introspect", { body: { token }, ...options });
}

/** Asks about tokens with an API key that is created before the tests of the file. */
export function useIntrospector() {
  let service: TestKey;
  beforeAll(async () => {
    service = await createIntrospector();
  });
  return (token: string, options: RequestOptions = {}) => introspect(service, token, options);
}

/** What introspection returns for every token that is not active. */
export const INACTIVE = { active: false };

/** The key of a session's record in KV. */
export async function sessionKey({ token }: { token: string }): Promise<string> {
  const { body } = await send("/v1/auth/me", { token });
  return `session:${body.session.id}`;
}

/** A value in KV. */
export const readKv = (key: string) => env.KV.get<Record<string, unknown>>(key, "json");

/** How long KV keeps a value. */
export async function secondsLeftInKv(key: string): Promise<number> {
  const { keys } = await env.KV.list({ prefix: key });
  return (keys[0]?.expiration ?? 0) - Math.floor(Date.now() / 1000);
}
