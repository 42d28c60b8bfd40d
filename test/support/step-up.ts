import { decodeJwt } from "jose";
import type { Proofs } from "../../src/access/assurance.ts";
import { type Answer, send } from "./api.ts";
import { PASSWORD, sqlRun, type TestUser } from "./fixtures.ts";

/** The default of STEP_UP_MAX_AGE_SECONDS. */
export const MAX_AGE_SECONDS = 600;

/** Replaces how and when the user of a session was authenticated. */
export async function setProofs({ token }: Pick<TestUser, "token">, proofs: Proofs): Promise<void> {
  await sqlRun(
    "UPDATE sessions SET proofs = ? WHERE id = ?",
    JSON.stringify(proofs),
    String(decodeJwt(token).sid),
  );
}

/** Makes the authentication of a session too old for a step-up. */
export async function age<U extends Pick<TestUser, "token">>(user: U): Promise<U> {
  await setProofs(user, { pwd: Date.now() - (MAX_AGE_SECONDS + 1) * 1000 });
  return user;
}

/** The new access token of a user who steps up with their password. */
export async function stepUpAs({ token }: Pick<TestUser, "token">): Promise<string> {
  const body = { method: "password", password: PASSWORD };
  const answer = await send("/v1/auth/step-up", { token, body });
  return String(answer.body.access_token);
}

/** The challenge of a refusal, as RFC 9470 section 3 has it. */
const challengeOf = (level: "aal1" | "aal2") =>
  `Bearer error="insufficient_user_authentication", acr_values="${level}", max_age="600"`;

/** What a response says of the caller's authentication. */
export function refusalOf({ status, body, headers }: Answer<any>) {
  return { status, code: body?.code, challenge: headers.get("WWW-Authenticate") };
}

/** The refusal of a caller whose authentication is too old, or has one factor instead of two. */
export const refusedFor = (level: "aal1" | "aal2") => ({
  status: 401,
  code: "insufficient_user_authentication",
  challenge: challengeOf(level),
});
