import { decodeJwt } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { actionsOn, sqlAll } from "../support/fixtures.ts";
import { expectProblem } from "../support/problems.ts";
import {
  createProviderBox,
  type Fake,
  logInWith,
  newPerson,
  reachCallback,
  reachCode,
  resultOf,
  sendCallback,
  sendExchange,
} from "../support/provider-logins.ts";
import { fakeProviders } from "../support/providers.ts";
import { refusalOf, refusedFor, setProofs } from "../support/step-up.ts";

const box = createProviderBox();
const { bindings } = box;
let fake: Fake;

beforeEach(async () => {
  fake = await fakeProviders();
});

const inSeconds = (ms: number) => Math.floor(ms / 1000);

/** Someone who logs in with a provider only, and whose login is too old for what needs a recent one. */
async function createPerson() {
  const claims = newPerson();
  const { body } = await logInWith(box, fake, { claims });
  const token: string = body.access_token;
  await setProofs({ token }, { fed: Date.now() - 3_600_000 });
  return { claims, token, id: String(decodeJwt(token).sub) };
}

const createKey = (token: string) =>
  send("/v1/api-keys", { token, bindings, body: { name: "key", scopes: ["me:read"] } });

describe("a step-up with a provider", () => {
  it("answers like a step-up, and lets the session do what needs it", async () => {
    const { claims, token, id } = await createPerson();
    expect(refusalOf(await createKey(token))).toEqual(refusedFor("aal1"));
    const now = inSeconds(Date.now());
    const fresh = { ...claims, auth_time: now };
    const { status, body } = await logInWith(box, fake, {
      intent: "step_up",
      token,
      claims: fresh,
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: "Bearer",
      expires_in: 900,
      acr: "aal1",
      auth_time: now,
    });
    expect(decodeJwt(body.access_token).sid).toBe(decodeJwt(token).sid);
    expect((await createKey(body.access_token)).status).toBe(201);
    expect(await actionsOn(id)).toContain("auth.stepped_up");
    const sessions = await sqlAll("SELECT id FROM sessions WHERE user_id = ?", id);
    expect(sessions).toHaveLength(1);
  });

  it("is told to the application as an error if the provider did not authenticate the person again", async () => {
    const { claims, token } = await createPerson();
    for (const auth_time of [undefined, inSeconds(Date.now()) - 3600]) {
      const stale = { intent: "step_up", token, claims: { ...claims, auth_time } } as const;
      const callback = await reachCallback(box, fake, stale);
      const result = resultOf(await sendCallback("idp", callback, { bindings }));
      expect(result.get("error")).toBe("server_error");
    }
  });

  it("is refused for an account at the provider that is not linked to the caller's", async () => {
    const { token } = await createPerson();
    const other = await createPerson();
    for (const { sub } of [other.claims, newPerson()]) {
      const claims = { sub, auth_time: inSeconds(Date.now()) };
      const code = await reachCode(box, fake, { intent: "step_up", token, claims });
      const answer = await sendExchange(code, { bindings, token });
      expectProblem(answer, 401, "invalid_credentials");
      expectProblem(await sendExchange(code, { bindings, token }), 400, "invalid_code");
    }
    expect(refusalOf(await createKey(token))).toEqual(refusedFor("aal1"));
  });

  it("needs the session that began it, and works once", async () => {
    const { claims, token } = await createPerson();
    const other = await createPerson();
    const fresh = { ...claims, auth_time: inSeconds(Date.now()) };
    const code = await reachCode(box, fake, { intent: "step_up", token, claims: fresh });
    expectProblem(await sendExchange(code, { bindings }), 401, "unauthenticated");
    expectProblem(await sendExchange(code, { bindings, token: other.token }), 403, "forbidden");
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => sendExchange(code, { bindings, token })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it("is too old if the authentication is, by the time of the exchange", async () => {
    const clock = stopClock(Date.now());
    const short = createProviderBox({ STEP_UP_MAX_AGE_SECONDS: "30" });
    const { claims, token } = await createPerson();
    const fresh = { ...claims, auth_time: inSeconds(Date.now()) };
    const code = await reachCode(short, fake, { intent: "step_up", token, claims: fresh });
    clock.pass(40_000);
    const answer = await sendExchange(code, { bindings: short.bindings, token });
    expectProblem(answer, 401, "insufficient_user_authentication");
    expect(answer.headers.get("WWW-Authenticate")).toContain('max_age="30"');
  });

  it("needs no age where step-up is off", async () => {
    const off = createProviderBox({ STEP_UP_MAX_AGE_SECONDS: "0" });
    const { claims, token } = await createPerson();
    const fresh = { ...claims, auth_time: inSeconds(Date.now()) };
    const answer = await logInWith(off, fake, { intent: "step_up", token, claims: fresh });
    expect(answer.status, answer.text).toBe(200);
  });
});
