import { describe, expect, it, vi } from "vitest";
import { createIsolate } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import { expectProblem } from "../support/problems.ts";
import { redeem, redeemLogin, sendStart } from "../support/provider-redemption.ts";
import { ENTRIES, fakeProviders, providerSettings, type Respond } from "../support/providers.ts";

const ISSUER = ENTRIES.idp.issuer;
const METADATA = `${ISSUER}/.well-known/openid-configuration`;
const ENDPOINTS = { metadata: METADATA, token: `${ISSUER}/token`, keys: `${ISSUER}/keys` };

const json = (text: string) =>
  new Response(text, { headers: { "Content-Type": "application/json" } });
const endless = () =>
  new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024).fill(32)),
  });
/** A body that never ends and never fails. */
const stuck = () => new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });

/** How a provider may answer, and what the application is told of it. */
const ANSWERS: Record<string, { respond: Respond; error: string }> = {
  "500": { respond: () => new Response("oops", { status: 500 }), error: "temporarily_unavailable" },
  "503 with JSON": {
    respond: () => Response.json({ error: "invalid_grant" }, { status: 503 }),
    error: "temporarily_unavailable",
  },
  "429": { respond: () => new Response("", { status: 429 }), error: "temporarily_unavailable" },
  "no connection": {
    respond: () => {
      throw new TypeError("connection refused");
    },
    error: "temporarily_unavailable",
  },
  "a body that breaks off": {
    respond: () =>
      new Response(new ReadableStream({ start: (controller) => controller.error(new Error()) })),
    error: "temporarily_unavailable",
  },
  "404": { respond: () => new Response("", { status: 404 }), error: "server_error" },
  "no content": { respond: () => new Response(null, { status: 204 }), error: "server_error" },
  "a redirect": {
    respond: () =>
      new Response(null, { status: 302, headers: { Location: "https://evil.example" } }),
    error: "server_error",
  },
  "a permanent redirect": {
    respond: () => Response.redirect(`${ISSUER}/x`, 308),
    error: "server_error",
  },
  "a page": {
    respond: () => new Response("<html>", { headers: { "Content-Type": "text/html" } }),
    error: "server_error",
  },
  "half a document": { respond: () => json('{"issuer":'), error: "server_error" },
  "a list": { respond: () => json("[]"), error: "server_error" },
  null: { respond: () => json("null"), error: "server_error" },
  "an empty object": { respond: () => json("{}"), error: "server_error" },
  "an empty body": { respond: () => json(""), error: "server_error" },
  "a body without an end": { respond: () => new Response(endless()), error: "server_error" },
};

const CASES = Object.entries(ENDPOINTS).flatMap(([name, address]) =>
  Object.entries(ANSWERS).map(([answer, expected]) => ({ name, address, answer, ...expected })),
);

describe("a provider that answers with garbage, slowly or not at all", () => {
  it.each(CASES.filter(({ name }) => name !== "metadata"))(
    "fails the login: $name endpoint, $answer",
    async ({ address, respond, error }) => {
      const fake = await fakeProviders();
      fake.overrides.set(address, respond);
      const logs = captureLogs();
      await expect(redeemLogin(fake, "idp")).rejects.toMatchObject({
        name: "ProviderFailure",
        error,
      });
      expect(logs.of("provider.failed")).toMatchObject([{ provider: "idp", result: error }]);
      expect(fake.requests.some((request) => request.includes("evil.example"))).toBe(false);
    },
  );

  it.each(CASES.filter(({ name }) => name === "metadata"))(
    "fails the start with provider_unavailable: $answer",
    async ({ address, respond }) => {
      const fake = await fakeProviders();
      fake.overrides.set(address, respond);
      const answer = await sendStart("idp");
      expectProblem(answer, 503, "provider_unavailable");
      expect(answer.headers.get("Retry-After")).toMatch(/^\d+$/);
      expect(fake.requests).toEqual([`GET ${METADATA}`]);
    },
  );

  it.each(Object.entries(ENDPOINTS))(
    "is waited for five seconds, body included: %s",
    async (_, address) => {
      const fake = await fakeProviders();
      const signals: AbortController[] = [];
      const timeout = vi.spyOn(AbortSignal, "timeout").mockImplementation(() => {
        const controller = new AbortController();
        signals.push(controller);
        return controller.signal;
      });
      fake.overrides.set(address, () => {
        // The time is over once the headers are there.
        queueMicrotask(() => signals.at(-1)?.abort(new DOMException("late", "TimeoutError")));
        return new Response(stuck());
      });
      const result = redeemLogin(fake, "idp");
      const expected =
        address === METADATA
          ? { message: expect.stringContaining("provider_unavailable") }
          : { reason: "timeout" };
      await expect(result).rejects.toMatchObject(expected);
      expect(timeout.mock.calls.every(([ms]) => ms === 5000)).toBe(true);
    },
  );

  it("does not tell the application more than the code", async () => {
    const fake = await fakeProviders();
    fake.overrides.set(METADATA, () => new Response("unmistakable", { status: 500 }));
    const logs = captureLogs();
    const answer = await sendStart("idp");
    expect(answer.text).not.toMatch(/unmistakable|500/);
    expect(logs.of("provider.failed")).toMatchObject([
      { provider: "idp", result: "temporarily_unavailable", reason: "status_500" },
    ]);
    expect(logs.text()).not.toContain("unmistakable");
  });
});

describe("errors in a callback", () => {
  const answer = async (change: (callback: URLSearchParams) => void, id = "idp") =>
    redeemLogin(await fakeProviders(), id, { change });
  const withError = (error: string) => (callback: URLSearchParams) => {
    callback.delete("code");
    callback.set("error", error);
  };

  it.each([
    ["access_denied", "access_denied"],
    ["login_required", "access_denied"],
    ["user_cancelled_authorize", "access_denied"],
    ["temporarily_unavailable", "temporarily_unavailable"],
    ["server_error", "server_error"],
    ["invalid_scope", "server_error"],
    ["Something else\nentirely", "server_error"],
  ])("are told to the application: %j as %s", async (sent, error) => {
    const logs = captureLogs();
    await expect(answer(withError(sent))).rejects.toMatchObject({ error });
    expect(logs.text()).not.toContain("entirely");
  });

  it("do not reach the provider", async () => {
    const fake = await fakeProviders();
    await expect(
      redeemLogin(fake, "idp", { change: withError("access_denied") }),
    ).rejects.toThrow();
    expect(fake.requests).toEqual([`GET ${METADATA}`]);
  });

  it.each<[string, (callback: URLSearchParams) => void]>([
    ["the issuer of another provider", (callback) => callback.set("iss", "https://evil.example")],
    ["no issuer, although the metadata promises one", (callback) => callback.delete("iss")],
    ["two issuers", (callback) => callback.append("iss", ISSUER)],
    ["two codes", (callback) => callback.append("code", "another")],
    ["no code", (callback) => callback.delete("code")],
    ["an empty code", (callback) => callback.set("code", "")],
    ["a token beside the code", (callback) => callback.set("id_token", "a.b.c")],
    ["a signed response", (callback) => callback.set("response", "a.b.c")],
  ])("are made of a callback with %s", async (_, change) => {
    const fake = await fakeProviders();
    await expect(redeemLogin(fake, "idp", { change })).rejects.toMatchObject({
      error: "server_error",
    });
    expect(fake.requests).toEqual([`GET ${METADATA}`]);
  });

  it("are made of a code that the provider does not know", async () => {
    await expect(answer((callback) => callback.set("code", "unknown"))).rejects.toMatchObject({
      error: "server_error",
      reason: "invalid_grant",
    });
  });

  it("are made of a code that was redeemed before", async () => {
    const fake = await fakeProviders();
    const bindings = createIsolate(providerSettings());
    const { body } = await sendStart("idp", { bindings });
    const callback = fake.logIn(body.authorization_url);
    await redeem(bindings, "idp", callback);
    await expect(redeem(bindings, "idp", callback)).rejects.toMatchObject({
      reason: "invalid_grant",
    });
  });
});
