import { expect } from "vitest";
import { costOf, send } from "./api.ts";
import { currentIsolate } from "./isolates.ts";
import { expectProblem } from "./problems.ts";

/** Reads the caller's account with an access token. */
export const readMe = (token: string, bindings = currentIsolate()) =>
  send("/v1/auth/me", { token, bindings });

/** Expects an access token to be refused as in RFC 6750 section 3, without D1 or KV access. */
export async function expectTokenRefused(token: string): Promise<void> {
  const answer = await readMe(token);
  expectProblem(answer, 401, "unauthenticated");
  expect(answer.headers.get("WWW-Authenticate")).toBe(
    'Bearer realm="roster", error="invalid_token"',
  );
  expect(costOf(answer)).toMatchObject({ queries: 0, kvReads: 0, kvWrites: 0 });
}
