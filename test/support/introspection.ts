import type { RequestOptions } from "./api.ts";
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

/** What introspection returns for every token that is not active. */
export const INACTIVE = { active: false };
