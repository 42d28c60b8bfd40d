import { beforeEach, expect, it } from "vitest";
import { costOf, send } from "../support/api.ts";
import { expectWithin, PRODUCTION_LIMITS, READ } from "../support/budgets.ts";
import { createVerifiedMailUser } from "../support/mail.ts";
import {
  createProviderBox,
  type Fake,
  logInWith,
  newPerson,
  reachCallback,
  reachCode,
  sendCallback,
  sendExchange,
} from "../support/provider-logins.ts";
import { fakeProviders } from "../support/providers.ts";

const box = createProviderBox(PRODUCTION_LIMITS);
const { bindings } = box;
let fake: Fake;

beforeEach(async () => {
  fake = await fakeProviders();
});

const inSeconds = () => Math.floor(Date.now() / 1000);

it("the callback of a provider", async () => {
  await logInWith(box, fake, { claims: newPerson() });
  const callback = await reachCallback(box, fake, { claims: newPerson() });
  const answer = await sendCallback("idp", callback, { bindings });
  expect(answer.status).toBe(303);
  const { queries, rowsRead, rowsWritten } = costOf(answer);
  expect(queries).toBe(2);
  expect(rowsRead).toBeLessThanOrEqual(8);
  expect(rowsWritten).toBeLessThanOrEqual(4);
});

it("a callback with a state that is none", async () => {
  const state = new URLSearchParams({ state: "garbage" });
  const answer = await sendCallback("idp", state, { bindings });
  expect(costOf(answer)).toMatchObject({ queries: 0, kvReads: 0, kvWrites: 0 });
});

it("the exchange of a code that nobody got", async () => {
  const answer = await sendExchange(`rxc_${"A".repeat(43)}`, { bindings });
  expect(costOf(answer)).toMatchObject({ queries: 1, rowsRead: 0, rowsWritten: 0 });
});

it("the exchange of a login", async () => {
  const claims = newPerson();
  await logInWith(box, fake, { claims });
  const code = await reachCode(box, fake, { claims });
  const answer = await sendExchange(code, { bindings });
  expectWithin(answer, { trips: 3, rowsRead: 40, rowsWritten: 14, kv: 1 });
});

it("the exchange of a first login, which registers", async () => {
  const code = await reachCode(box, fake, { claims: newPerson() });
  const answer = await sendExchange(code, { bindings });
  expectWithin(answer, { trips: 4, rowsRead: 40, rowsWritten: 32, kv: 1 });
});

it("the exchange of a link", async () => {
  const { token } = await createVerifiedMailUser(box);
  const code = await reachCode(box, fake, { intent: "link", token, claims: newPerson() });
  const answer = await sendExchange(code, { bindings, token });
  expectWithin(answer, { trips: 3, rowsRead: 36, rowsWritten: 11, kv: 0 });
});

it("the exchange of a step-up", async () => {
  const claims = newPerson({ auth_time: inSeconds() });
  const { body } = await logInWith(box, fake, { claims });
  const token: string = body.access_token;
  const code = await reachCode(box, fake, { intent: "step_up", token, claims });
  const answer = await sendExchange(code, { bindings, token });
  expectWithin(answer, { trips: 3, rowsRead: 30, rowsWritten: 8, kv: 0 });
});

it("GET /v1/auth/identities", async () => {
  const { body } = await logInWith(box, fake, { claims: newPerson() });
  expectWithin(await send("/v1/auth/identities", { bindings, token: body.access_token }), READ);
});
