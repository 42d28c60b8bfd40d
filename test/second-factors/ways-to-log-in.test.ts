import { describe, expect, it } from "vitest";
import type { Answer } from "../support/api.ts";
import { createLoginMailbox, requestLogin } from "../support/email-login.ts";
import {
  addTotp,
  byTotp,
  codeOf,
  createStrictUser,
  createTotpUser,
  halfLogIn,
  requireFactor,
  sendPassword,
  verify,
} from "../support/factors.ts";
import { sqlAll } from "../support/fixtures.ts";
import { linkIdentity } from "../support/identities.ts";
import { fetchDocument, operationsOf } from "../support/openapi.ts";
import { createPasskeyUser, passkeyLogin } from "../support/passkeys.ts";
import {
  createProviderBox,
  newPerson,
  reachCode,
  sendExchange,
} from "../support/provider-logins.ts";
import { fakeProviders } from "../support/providers.ts";

/** Someone who must not get a session yet, and their attempt to get one. */
interface Attempt {
  userId: string;
  before: number;
  send: () => Promise<Answer<any>>;
}

const countSessions = async (userId: string) =>
  (await sqlAll("SELECT id FROM sessions WHERE user_id = ?", userId)).length;

async function attempt(userId: string, send: Attempt["send"]): Promise<Attempt> {
  return { userId, before: await countSessions(userId), send };
}

const providerBox = createProviderBox();

/** For each way to log in: those whom it must not let in, although what they send is right. */
const WAYS: Readonly<Record<string, () => Promise<Attempt[]>>> = {
  "POST /v1/auth/login": async () => {
    const [app, passkey] = [await createTotpUser(), await createPasskeyUser()];
    const strict = await createStrictUser();
    return Promise.all(
      [app, passkey, strict].map(({ id, username }) => attempt(id, () => sendPassword(username))),
    );
  },
  "POST /v1/auth/passkey/login": async () => {
    const { id, authenticator } = await createPasskeyUser();
    const unverified = { isUserVerified: false };
    return [await attempt(id, () => passkeyLogin(authenticator, unverified))];
  },
  "POST /v1/auth/email-login/verify": async () => {
    const box = createLoginMailbox();
    const [byLink, byCode, strict] = [
      await requestLogin(box),
      await requestLogin(box),
      await requestLogin(box),
    ];
    await Promise.all([addTotp(byLink.user), addTotp(byCode.user), requireFactor(strict.user)]);
    return [
      await attempt(byLink.user.id, () => byLink.byLink(byLink.token)),
      await attempt(byCode.user.id, () => byCode.byCode(byCode.loginToken, byCode.code)),
      await attempt(strict.user.id, () => strict.byLink(strict.token)),
    ];
  },
  "POST /v1/auth/mfa/verify": async () => {
    const [one, other] = [await createTotpUser(), await createTotpUser()];
    const strict = await createStrictUser();
    const [token, enrollment] = [await halfLogIn(one), await halfLogIn(strict)];
    const theirs = byTotp(await codeOf(other.secret));
    return [
      await attempt(one.id, () => verify(token, theirs)),
      await attempt(strict.id, () => verify(enrollment, theirs)),
    ];
  },
  "POST /v1/auth/exchange": async () => {
    const fake = await fakeProviders();
    const [app, strict] = [await createTotpUser(), await createStrictUser()];
    const attempts = [];
    for (const { id } of [app, strict]) {
      const { sub, ...claims } = newPerson();
      await linkIdentity(id, sub, "https://idp.example");
      const code = await reachCode(providerBox, fake, { claims: { sub, ...claims } });
      attempts.push(
        await attempt(id, () => sendExchange(code, { bindings: providerBox.bindings })),
      );
    }
    return attempts;
  },
};

/** Continues a session, and starts none. */
const REFRESH = "POST /v1/auth/refresh";

const document = await fetchDocument();

function answersWithTokens({ documented }: ReturnType<typeof operationsOf>[number]): boolean {
  return JSON.stringify(documented.responses["200"] ?? {}).includes("schemas/Tokens");
}

describe("every way to log in", () => {
  it("is in this test", () => {
    const found = operationsOf(document).filter(answersWithTokens);
    expect(found.map(({ name }) => name).sort()).toEqual([...Object.keys(WAYS), REFRESH].sort());
  });

  it.each(Object.keys(WAYS))("starts no session while a factor is missing: %s", async (name) => {
    for (const { userId, before, send: sendAttempt } of (await WAYS[name]?.()) ?? []) {
      const { status, body } = await sendAttempt();
      expect([status, body.access_token, body.refresh_token]).toEqual([401, undefined, undefined]);
      expect(await countSessions(userId)).toBe(before);
    }
  });
});
