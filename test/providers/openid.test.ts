import { describe, expect, it } from "vitest";
import { createIsolate } from "../support/isolates.ts";
import {
  ENTRIES,
  fakeProviders,
  type ProviderId,
  providerSettings,
  redeem,
  sendStart,
} from "../support/providers.ts";

describe("a login with a provider", () => {
  it.each(Object.keys(ENTRIES) as ProviderId[])("works: %s", async (id) => {
    const fake = await fakeProviders();
    const bindings = createIsolate(providerSettings());
    const started = await sendStart(id, { bindings });
    expect(started.status, started.text).toBe(200);
    const callback = fake.logIn(started.body.authorization_url);
    expect(await redeem(bindings, id, callback)).toMatchObject({ email: "ada@example.com" });
  });
});
