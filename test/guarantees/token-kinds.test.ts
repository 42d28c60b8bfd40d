import { describe, expect, it } from "vitest";
import type { Answer } from "../support/api.ts";
import { send } from "../support/api.ts";
import { createTestKey, withKey } from "../support/credentials.ts";
import { codeTo } from "../support/email-login.ts";
import { byTotp, codeOf, createTotpUser, halfLogIn } from "../support/factors.ts";
import { createTestUser } from "../support/fixtures.ts";
import { createVerifiedMailUser, flowsOf } from "../support/mail.ts";
import {
  CODE_VERIFIER,
  createProviderBox,
  newPerson,
  reachCode,
} from "../support/provider-logins.ts";
import { fakeProviders } from "../support/providers.ts";

const KINDS = ["access", "refresh", "one-time", "mfa", "login", "exchange", "API key"] as const;
type Kind = (typeof KINDS)[number];

const box = createProviderBox({ EMAIL_LOGIN: "on" });
const { bindings } = box;
const post = (path: string, body: object) => send(path, { body, bindings });

/** A live token, and what must be sent with it in its own place. */
interface Live {
  token: string;
  beside?: object;
}

const CREATE: Readonly<Record<Kind, () => Promise<Live>>> = {
  access: async () => ({ token: (await createTestUser("admin")).token }),
  refresh: async () => ({ token: (await createTestUser("admin")).refreshToken }),
  "one-time": async () => {
    const { email } = await createVerifiedMailUser(box);
    await flowsOf(box).forgot(email);
    return { token: box.tokenTo(email), beside: { password: "another pass phrase" } };
  },
  mfa: async () => {
    const user = await createTotpUser();
    return { token: await halfLogIn(user), beside: byTotp(await codeOf(user.secret)) };
  },
  login: async () => {
    const { email } = await createVerifiedMailUser(box);
    const { body } = await post("/v1/auth/email-login", { email });
    return { token: body.login_token, beside: { code: codeTo(box, email) } };
  },
  exchange: async () => ({
    token: await reachCode(box, await fakeProviders(), { claims: newPerson() }),
    beside: { code_verifier: CODE_VERIFIER },
  }),
  "API key": async () => ({
    token: (await createTestKey(await createTestUser("admin"), ["users:read"])).key,
  }),
};

type Send = (token: string, beside?: object) => Promise<Answer<any>>;

/** Where a token of each kind is sent, with how a token of another kind is refused there. */
const PLACES: readonly [Kind, string, Send][] = [
  ["access", "unauthenticated", (token) => send("/v1/users", { token, bindings })],
  [
    "refresh",
    "invalid_refresh_token",
    (refresh_token) => post("/v1/auth/refresh", { refresh_token }),
  ],
  [
    "one-time",
    "invalid_token",
    (token, beside = { password: "another pass phrase" }) =>
      post("/v1/auth/password/reset", { token, ...beside }),
  ],
  ["one-time", "invalid_token", (token) => post("/v1/auth/email/verify", { token })],
  ["one-time", "invalid_token", (token) => post("/v1/auth/email/disown", { token })],
  ["one-time", "invalid_code", (token) => post("/v1/auth/email-login/verify", { token })],
  [
    "mfa",
    "invalid_mfa_token",
    (mfa_token, beside = byTotp("123456")) => post("/v1/auth/mfa/verify", { mfa_token, ...beside }),
  ],
  ["mfa", "invalid_mfa_token", (mfa_token) => post("/v1/auth/factors/totp", { mfa_token })],
  [
    "login",
    "invalid_code",
    (login_token, beside = { code: "123456" }) =>
      post("/v1/auth/email-login/verify", { login_token, ...beside }),
  ],
  [
    "exchange",
    "invalid_code",
    (code, beside = { code_verifier: CODE_VERIFIER }) =>
      post("/v1/auth/exchange", { code, ...beside }),
  ],
  ["API key", "unauthenticated", (key) => send("/v1/users", { ...withKey({ key }), bindings })],
];

describe("tokens", () => {
  it.each(KINDS)(
    "every kind of token is refused in the place of every other kind: %s",
    async (kind) => {
      const { token, beside } = await CREATE[kind]();
      for (const [place, code, sendThere] of PLACES.filter(([own]) => own !== kind)) {
        const { status, body } = await sendThere(token);
        expect([place, body?.code]).toEqual([place, code]);
        expect([400, 401]).toContain(status);
      }
      // It was a live one, and none of this has used it up.
      const sendOwn = PLACES.find(([own]) => own === kind)?.[2];
      expect([200, 204]).toContain((await sendOwn?.(token, beside))?.status);
    },
  );
});
