import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { stopClock } from "../support/clock.ts";
import { always, faultyBindings } from "../support/faults.ts";
import { createIsolate } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import { expectProblem } from "../support/problems.ts";
import { productionSettings } from "../support/production.ts";
import {
  ENTRIES,
  fakeProviders,
  logInWith,
  providerSettings,
  type Respond,
  redeem,
  sendStart,
} from "../support/providers.ts";

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
      await expect(logInWith(fake, "idp")).rejects.toMatchObject({
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
      const result = logInWith(fake, "idp");
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
    logInWith(await fakeProviders(), id, { change });
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
    await expect(logInWith(fake, "idp", { change: withError("access_denied") })).rejects.toThrow();
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
    await expect(logInWith(fake, "idp", { change })).rejects.toMatchObject({
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

describe("the metadata of a provider", () => {
  const count = ({ requests }: { requests: string[] }) =>
    requests.filter((request) => request === `GET ${METADATA}`).length;

  it.each([
    ["of another issuer", { issuer: "https://evil.example" }],
    ["whose issuer is no address", { issuer: "idp" }],
    ["without an issuer", { issuer: undefined }],
    ["without a token endpoint", { token_endpoint: undefined }],
    ["without keys", { jwks_uri: undefined }],
    ["without an authorization endpoint", { authorization_endpoint: undefined }],
    ["with an authorization endpoint that is a script", { authorization_endpoint: "javascript:0" }],
    ["with a token endpoint without TLS", { token_endpoint: "http://idp.example/token" }],
    ["with keys without TLS", { jwks_uri: "http://idp.example/keys" }],
    ["with userinfo without TLS", { userinfo_endpoint: "http://idp.example/userinfo" }],
    ["with a password", { token_endpoint: "https://a:b@idp.example/token" }],
    [
      "with a token endpoint that is a list",
      { token_endpoint: ["https://idp.example/token", "x"] },
    ],
  ])("is refused %s", async (_, changes) => {
    const fake = await fakeProviders();
    fake.metadata.idp = { ...fake.metadata.idp, ...changes };
    expectProblem(await sendStart("idp"), 503, "provider_unavailable");
  });

  it.each([
    "https://127.0.0.1/token",
    "https://10.0.0.1/token",
    "https://0x7f.1/token",
    "https://2130706433/token",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/token",
    "https://[::ffff:127.0.0.1]/token",
    "https://[fd00::1]/token",
    "https://localhost/token",
    "https://localhost./token",
    "https://a.localhost/token",
    "https://metadata.google.internal/token",
    "https://printer.local/token",
    "https://intranet/token",
    "http://idp.example/token",
  ])("is refused in production with the private address %s", async (address) => {
    const fake = await fakeProviders();
    const bindings = createIsolate({ ...(await productionSettings()), ...providerSettings() });
    expect((await sendStart("idp", { bindings })).status).toBe(200);
    for (const endpoint of ["token_endpoint", "jwks_uri", "userinfo_endpoint"]) {
      await env.KV.delete(`provider:metadata:${ISSUER}`);
      fake.metadata.idp = { ...fake.metadata.idp, [endpoint]: address };
      const cold = createIsolate({ ...(await productionSettings()), ...providerSettings() });
      expectProblem(await sendStart("idp", { bindings: cold }), 503, "provider_unavailable");
    }
  });

  it("is fetched once per hour", async () => {
    const clock = stopClock();
    const fake = await fakeProviders();
    const bindings = createIsolate(providerSettings());
    await sendStart("idp", { bindings });
    clock.pass(59 * 60_000);
    await sendStart("idp", { bindings });
    expect(count(fake)).toBe(1);
    clock.pass(60_000);
    await sendStart("idp", { bindings });
    expect(count(fake)).toBe(2);
  });

  it("comes from KV in another isolate, unless it does not fit the settings there", async () => {
    const fake = await fakeProviders();
    await sendStart("idp", { bindings: createIsolate(providerSettings()) });
    expect((await sendStart("idp", { bindings: createIsolate(providerSettings()) })).status).toBe(
      200,
    );
    expect(count(fake)).toBe(1);
    await env.KV.put(
      `provider:metadata:${ISSUER}`,
      JSON.stringify({
        content: { ...fake.metadata.idp, token_endpoint: "http://10.0.0.1/token" },
        fetchedAt: Date.now(),
      }),
    );
    expect((await sendStart("idp", { bindings: createIsolate(providerSettings()) })).status).toBe(
      200,
    );
    expect(count(fake)).toBe(2);
  });

  it("is used for a day while the provider does not answer, which is asked every five seconds", async () => {
    const clock = stopClock();
    const fake = await fakeProviders();
    const bindings = createIsolate(providerSettings());
    await sendStart("idp", { bindings });
    fake.overrides.set(METADATA, () => new Response("", { status: 500 }));
    clock.pass(23 * 3_600_000);
    const logs = captureLogs();
    for (let start = 0; start < 3; start += 1) {
      expect((await sendStart("idp", { bindings })).status).toBe(200);
    }
    expect(count(fake)).toBe(2);
    expect(logs.of("provider.metadata_stale")).toMatchObject([
      { provider: "idp" },
      { provider: "idp" },
      { provider: "idp" },
    ]);
    clock.pass(5000);
    expect((await sendStart("idp", { bindings })).status).toBe(200);
    expect(count(fake)).toBe(3);
    clock.pass(3_600_000);
    expectProblem(await sendStart("idp", { bindings }), 503, "provider_unavailable");
  });

  it("is asked for once in five seconds if there is none", async () => {
    const clock = stopClock();
    const fake = await fakeProviders();
    const bindings = createIsolate(providerSettings());
    fake.overrides.set(METADATA, () => new Response("", { status: 500 }));
    for (let start = 0; start < 3; start += 1) {
      expectProblem(await sendStart("idp", { bindings }), 503, "provider_unavailable");
    }
    expect(count(fake)).toBe(1);
    fake.overrides.clear();
    clock.pass(5000);
    expect((await sendStart("idp", { bindings })).status).toBe(200);
  });

  it("is fetched if KV does not work", async () => {
    const fake = await fakeProviders();
    const bindings = { ...faultyBindings({ kvGet: always, kvPut: always }), ...providerSettings() };
    const logs = captureLogs();
    expect((await sendStart("idp", { bindings: bindings as Cloudflare.Env })).status).toBe(200);
    expect(count(fake)).toBe(1);
    expect(logs.of("provider.cache_failed")).toHaveLength(2);
  });
});
