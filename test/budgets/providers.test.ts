import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { expectWithin, PRODUCTION_LIMITS, READ } from "../support/budgets.ts";
import { createTestUser } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { sendStart } from "../support/provider-redemption.ts";
import { fakeProviders, providerSettings } from "../support/providers.ts";

const NOTHING = { trips: 0, rowsRead: 0, rowsWritten: 0, kv: 0 };
const withProviders = () => createIsolate({ ...providerSettings(), ...PRODUCTION_LIMITS });

describe("the start of a login with a provider", () => {
  it("reads and writes KV once, and then nothing for an hour", async () => {
    await fakeProviders();
    const bindings = withProviders();
    expectWithin(await sendStart("idp", { bindings }), { ...NOTHING, kv: 2 });
    expectWithin(await sendStart("idp", { bindings }), NOTHING);
  });

  it("costs nothing at GitHub, which has no metadata", async () => {
    const fake = await fakeProviders();
    expectWithin(await sendStart("github", { bindings: withProviders() }), NOTHING);
    expect(fake.requests).toEqual([]);
  });

  it.each(["link", "step_up"])("costs a read for the intent %s", async (intent) => {
    await fakeProviders();
    const bindings = withProviders();
    await sendStart("idp", { bindings });
    const { token } = await createTestUser();
    expectWithin(await sendStart("idp", { bindings, token, body: { intent } }), READ);
  });
});

it("the list of providers costs nothing", async () => {
  expectWithin(await send("/v1/auth/providers", { bindings: withProviders() }), NOTHING);
});
