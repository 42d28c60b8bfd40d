import { beforeEach, describe, expect, it } from "vitest";
import { costOf, send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { beforeStatement } from "../support/d1.ts";
import { sqlAll } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { expectProblem } from "../support/problems.ts";
import {
  createProviderBox,
  type Fake,
  newPerson,
  reachCallback,
  resultOf,
  sendCallback,
} from "../support/provider-logins.ts";
import { sendStart } from "../support/provider-redemption.ts";
import { ENTRIES, fakeProviders, REDIRECT_URI } from "../support/providers.ts";

const box = createProviderBox();
const { bindings } = box;
let fake: Fake;

beforeEach(async () => {
  fake = await fakeProviders();
});

const TOKEN_ENDPOINT = "https://idp.example/token";

/** Everything that a login could leave behind. */
async function traces() {
  const [counts] = await sqlAll(`SELECT (SELECT count(*) FROM users) AS users,
    (SELECT count(*) FROM identities) AS identities, (SELECT count(*) FROM exchange_codes) AS codes,
    (SELECT count(*) FROM spent_tokens) AS spent, (SELECT count(*) FROM audit_events) AS events`);
  return counts;
}

describe("the callback of a provider", () => {
  it("redirects to the application with a code, its state and the issuer", async () => {
    const callback = await reachCallback(box, fake, { claims: newPerson(), state: "a&b=c" });
    const answer = await sendCallback("idp", callback, { bindings });
    const location = answer.headers.get("Location") ?? "";
    expect(location.startsWith(`${REDIRECT_URI}?`)).toBe(true);
    const result = resultOf(answer);
    expect([...result.keys()]).toEqual(["code", "state", "iss"]);
    expect(result.get("code")).toMatch(/^rxc_[\w-]{43}$/);
    expect(result.get("state")).toBe("a&b=c");
    expect(result.get("iss")).toBe("https://roster.test");
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    expect(answer.headers.get("Referrer-Policy")).toBe("no-referrer");
    expect(costOf(answer).queries).toBe(2);
  });

  it.each([
    ["com.example.app:/login", /^com\.example\.app:\/login\?code=rxc_/],
    ["http://127.0.0.1:50123/login", /^http:\/\/127\.0\.0\.1:50123\/login\?code=rxc_/],
  ])("redirects to a native application at %s", async (redirect_uri, location) => {
    const { body } = await sendStart("idp", { bindings, body: { redirect_uri } });
    const answer = await sendCallback("idp", fake.logIn(body.authorization_url), { bindings });
    expect(answer.headers.get("Location")).toMatch(location);
    expect(resultOf(answer).has("state")).toBe(false);
  });

  it("keeps the query of the redirect address", async () => {
    const redirect_uri = "https://app.example/login?tenant=7";
    const listed = createProviderBox({ LOGIN_REDIRECT_URIS: redirect_uri });
    const { body } = await sendStart("idp", { bindings: listed.bindings, body: { redirect_uri } });
    const answer = await sendCallback("idp", fake.logIn(body.authorization_url), listed);
    expect(answer.headers.get("Location")).toMatch(
      /^https:\/\/app\.example\/login\?tenant=7&code=/,
    );
  });

  it("stores nothing that tells who logged in, and nothing of it is in the address", async () => {
    const claims = newPerson();
    const callback = await reachCallback(box, fake, { claims });
    const answer = await sendCallback("idp", callback, { bindings });
    const stored = JSON.stringify(await sqlAll("SELECT * FROM exchange_codes"));
    for (const secret of [claims.sub, claims.email, resultOf(answer).get("code") ?? ""]) {
      expect(stored).not.toContain(secret);
      if (!secret.startsWith("rxc_")) expect(answer.headers.get("Location")).not.toContain(secret);
    }
  });

  it("uses nothing up when only its headers are asked for", async () => {
    const callback = await reachCallback(box, fake, { claims: newPerson() });
    fake.requests.length = 0;
    const before = await traces();
    const probe = await sendCallback("idp", callback, { bindings, method: "HEAD" });
    expect([probe.status, probe.headers.get("Location")]).toEqual([400, null]);
    expect([fake.requests, await traces()]).toEqual([[], before]);
    expect((await sendCallback("idp", callback, { bindings })).status).toBe(303);
  });

  it("takes a form, as Apple sends it, with its own fields", async () => {
    const callback = await reachCallback(box, fake, { provider: "apple" });
    callback.set("user", JSON.stringify({ name: { firstName: "Ada", lastName: "Lovelace" } }));
    const answer = await sendCallback("apple", callback, { bindings, method: "POST" });
    expect(resultOf(answer).get("code")).toMatch(/^rxc_/);
  });

  it.each([
    ["an object without a text", { toString: 0 }],
    ["a list of such objects", [{ toString: 0 }]],
    ["a number", 7],
  ])("takes no parameter of JSON that is %s", async (_, value) => {
    const body = { state: value, code: value };
    const answer = await send("/v1/auth/providers/idp/callback", { body, bindings });
    expectProblem(answer, 400, "invalid_state");
  });

  it("accepts parameters of the provider's own", async () => {
    const callback = await reachCallback(box, fake, { claims: newPerson() });
    for (const name of ["scope", "authuser", "prompt", "session_state"]) callback.set(name, "x");
    expect((await sendCallback("idp", callback, { bindings })).status).toBe(303);
  });

  it("tells the application that the person has declined", async () => {
    const state = (await reachCallback(box, fake, { state: "mine" })).get("state") ?? "";
    const iss = "https://idp.example";
    const denied = new URLSearchParams({
      error: "access_denied",
      error_description: "no",
      state,
      iss,
    });
    const result = resultOf(await sendCallback("idp", denied, { bindings }));
    expect(Object.fromEntries(result)).toEqual({
      error: "access_denied",
      state: "mine",
      iss: "https://roster.test",
    });
  });
});

describe("a state is refused with a problem, never with a redirect, if it", () => {
  const sendState = (id: string, state: string[]) =>
    sendCallback(id, new URLSearchParams(state.map((one) => ["state", one])), { bindings });

  it.each([
    ["is missing", []],
    ["is empty", [""]],
    ["is no state", ["garbage"]],
    ["is long", ["x".repeat(5000)]],
  ])("%s", async (_, state) => {
    expectProblem(await sendState("idp", state), 400, "invalid_state");
  });

  it("is of another provider", async () => {
    const callback = await reachCallback(box, fake);
    for (const id of Object.keys(ENTRIES).filter((other) => other !== "idp")) {
      const answer = await sendCallback(id, callback, { bindings });
      expectProblem(answer, 400, "invalid_state");
      expect(answer.headers.get("Location")).toBeNull();
    }
  });

  it("is changed in one character", async () => {
    const callback = await reachCallback(box, fake);
    const state = callback.get("state") ?? "";
    for (const at of [0, 30, state.length - 2]) {
      const other = state[at] === "A" ? "B" : "A";
      const changed = state.slice(0, at) + other + state.slice(at + 1);
      expectProblem(await sendState("idp", [changed]), 400, "invalid_state");
    }
  });

  it.each(["GET", "POST"])("is there twice: %s", async (method) => {
    const callback = await reachCallback(box, fake);
    callback.append("state", callback.get("state") ?? "");
    expectProblem(await sendCallback("idp", callback, { bindings, method }), 400, "invalid_state");
  });

  it("is older than ten minutes", async () => {
    const clock = stopClock();
    const callback = await reachCallback(box, fake);
    clock.pass(10 * 60_000);
    expectProblem(await sendCallback("idp", callback, { bindings }), 400, "invalid_state");
  });

  it("was used, although the provider would accept the callback again", async () => {
    const callback = await reachCallback(box, fake, { claims: newPerson() });
    resultOf(await sendCallback("idp", callback, { bindings }));
    fake.requests.length = 0;
    expectProblem(await sendCallback("idp", callback, { bindings }), 400, "invalid_state");
    expect(fake.requests).toEqual([]);
  });

  it("is used by another callback at the same time", async () => {
    const { body } = await sendStart("idp", { bindings });
    const url: string = body.authorization_url;
    // Two codes for one request, as a browser that goes back gets them.
    const [one, other] = [fake.logIn(url), fake.logIn(url)];
    const late = beforeStatement(
      /^insert into "exchange_codes"/,
      async () => resultOf(await sendCallback("idp", other, { bindings })),
      bindings,
    );
    const before = await traces();
    expectProblem(await sendCallback("idp", one, { bindings: late }), 400, "invalid_state");
    const [codes, spent] = [Number(before?.codes) + 1, Number(before?.spent) + 1];
    expect(await traces()).toEqual({ ...before, codes, spent });
  });

  it("is for a redirect address that the settings no longer list", async () => {
    const callback = await reachCallback(box, fake);
    const other = createProviderBox({ LOGIN_REDIRECT_URIS: "https://app.example/other" });
    expectProblem(await sendCallback("idp", callback, other), 400, "invalid_state");
  });

  it("is for a provider that does not exist", async () => {
    expectProblem(await sendState("nobody", ["x"]), 404, "provider_not_found");
  });
});

describe("a provider that fails", () => {
  it.each([
    ["answers with 500", () => new Response("", { status: 500 }), "temporarily_unavailable"],
    ["answers with garbage", () => new Response("<html>"), "server_error"],
    ["answers with JSON that is no token", () => Response.json([]), "server_error"],
    [
      "refuses the code",
      () => Response.json({ error: "invalid_grant" }, { status: 400 }),
      "server_error",
    ],
    ["redirects", () => Response.redirect("https://evil.example/", 302), "server_error"],
    [
      "does not answer",
      () => Promise.reject(new DOMException("timed out", "TimeoutError")),
      "temporarily_unavailable",
    ],
  ] as const)(
    "and %s: the application is told, and nothing is created",
    async (_, respond, error) => {
      const callback = await reachCallback(box, fake, { claims: newPerson(), state: "mine" });
      fake.overrides.set(TOKEN_ENDPOINT, respond as () => Response);
      const before = await traces();
      const result = resultOf(await sendCallback("idp", callback, { bindings }));
      expect([result.get("error"), result.get("state"), result.get("code")]).toEqual([
        error,
        "mine",
        null,
      ]);
      expect(await traces()).toEqual(before);
    },
  );

  it("with a forged ID token: nothing is created", async () => {
    const callback = await reachCallback(box, fake, { claims: newPerson({ nonce: "another" }) });
    const before = await traces();
    const result = resultOf(await sendCallback("idp", callback, { bindings }));
    expect(result.get("error")).toBe("server_error");
    expect(await traces()).toEqual(before);
  });
});

it("callbacks are limited, like everything that strangers can call", async () => {
  const limited = createIsolate({
    ...createProviderBox().bindings,
    RATE_LIMIT_READ: "1/60",
  } as never);
  const state = new URLSearchParams({ state: "garbage" });
  expectProblem(await sendCallback("idp", state, { bindings: limited }), 400, "invalid_state");
  expectProblem(await sendCallback("idp", state, { bindings: limited }), 429, "rate_limited");
});
