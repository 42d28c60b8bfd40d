import { describe, expect, it } from "vitest";
import { costOf } from "../support/api.ts";
import { createTestKey, withKey } from "../support/credentials.ts";
import { createTotpUser } from "../support/factors.ts";
import { createTestUser, sqlAll, sqlRun } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";
import { openState, parametersOf, sendStart } from "../support/provider-redemption.ts";
import { fakeProviders, providerSettings } from "../support/providers.ts";
import { age, refusalOf, refusedFor } from "../support/step-up.ts";

describe.each(["link", "step_up"])("the intent %s", (intent) => {
  it("needs a session", async () => {
    await fakeProviders();
    const { key } = await createTestKey(await createTestUser(), []);
    expectProblem(await sendStart("idp", { body: { intent } }), 401, "unauthenticated");
    expectProblem(
      await sendStart("idp", { body: { intent }, token: "nonsense" }),
      401,
      "unauthenticated",
    );
    expectProblem(
      await sendStart("idp", { body: { intent }, ...withKey({ key }) }),
      403,
      "forbidden",
    );
  });

  it("is refused to a session that has ended", async () => {
    await fakeProviders();
    const { token, id } = await createTestUser();
    await sqlRun("DELETE FROM sessions WHERE user_id = ?", id);
    expectProblem(await sendStart("idp", { body: { intent }, token }), 401, "unauthenticated");
  });

  it("puts the session and its user into the state", async () => {
    await fakeProviders();
    const bindings = createIsolate(providerSettings());
    const { token, id } = await createTestUser();
    const answer = await sendStart("idp", { bindings, body: { intent }, token });
    expect(costOf(answer)).toMatchObject({ queries: 1, rowsWritten: 0 });
    const state = await openState(bindings, "idp", parametersOf(answer).get("state") ?? "");
    const [session] = await sqlAll<{ id: string }>("SELECT id FROM sessions WHERE user_id = ?", id);
    expect(state).toMatchObject({ intent, caller: { userId: id, sessionId: session?.id } });
  });

  it("is refused before the provider and the redirect address are looked at", async () => {
    const body = { intent, redirect_uri: "https://evil.example" };
    expectProblem(await sendStart("nobody", { body }), 401, "unauthenticated");
    const { token } = await createTestUser();
    expectProblem(await sendStart("nobody", { body, token }), 404, "provider_not_found");
  });
});

describe("a credential", () => {
  it("is not looked at for the intent login, whose state names nobody", async () => {
    await fakeProviders();
    const bindings = createIsolate(providerSettings());
    const { token } = await createTestUser();
    const answer = await sendStart("idp", { bindings, token });
    expect(costOf(answer)).toMatchObject({ queries: 0 });
    const state = await openState(bindings, "idp", parametersOf(answer).get("state") ?? "");
    expect(state).not.toHaveProperty("caller");
  });

  it("must be one", async () => {
    const { token } = await createTestUser();
    const answer = await sendStart("idp", { token, headers: { "X-API-Key": "rk_nobody" } });
    expectProblem(answer, 400, "conflicting_credentials");
  });
});

describe("the intent link", () => {
  it("needs a recent authentication", async () => {
    await fakeProviders();
    const user = await age(await createTestUser());
    const answer = await sendStart("idp", { body: { intent: "link" }, token: user.token });
    expect(refusalOf(answer)).toEqual(refusedFor("aal1"));
  });

  it("needs two factors of those who have a second one", async () => {
    await fakeProviders();
    const user = await age(await createTotpUser());
    const answer = await sendStart("idp", { body: { intent: "link" }, token: user.token });
    expect(refusalOf(answer)).toEqual(refusedFor("aal2"));
  });
});

describe("the intent step_up", () => {
  it("asks the provider to authenticate the person again, and needs no recent authentication", async () => {
    await fakeProviders();
    const { token } = await age(await createTestUser());
    const answer = await sendStart("idp", { body: { intent: "step_up" }, token });
    expect(parametersOf(answer).get("max_age")).toBe("0");
  });

  it("is refused at GitHub, which does not tell when people logged in", async () => {
    await fakeProviders();
    const { token } = await createTestUser();
    const answer = await sendStart("github", { body: { intent: "step_up" }, token });
    expect(faultsOf(answer)).toEqual(["intent invalid_value"]);
  });
});
