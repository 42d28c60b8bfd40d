import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { stopClock } from "../support/clock.ts";
import { always, faultyBindings } from "../support/faults.ts";
import { createIsolate } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import { expectProblem } from "../support/problems.ts";
import { productionSettings } from "../support/production.ts";
import { sendStart } from "../support/provider-redemption.ts";
import { ENTRIES, fakeProviders, providerSettings } from "../support/providers.ts";

const ISSUER = ENTRIES.idp.issuer;
const METADATA = `${ISSUER}/.well-known/openid-configuration`;

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
