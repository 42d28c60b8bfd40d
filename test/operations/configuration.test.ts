import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { HOURLY, runCron } from "../support/cron.ts";
import { captureLogs } from "../support/logs.ts";
import { expectProblem } from "../support/problems.ts";
import { productionSettings } from "../support/production.ts";
import { jwkSet, newSigningJwk, octJwk, SIGNING_JWK } from "../support/tokens.ts";
import { WEBHOOK } from "../support/webhook.ts";

type Settings = Record<string, string | undefined>;

/** The test's bindings with other settings. Undefined settings are removed. */
function withSettings(settings: Settings): Cloudflare.Env {
  const bindings: Record<string, unknown> = { ...env };
  for (const [name, value] of Object.entries(settings)) {
    if (value === undefined) delete bindings[name];
    else bindings[name] = value;
  }
  return bindings as unknown as Cloudflare.Env;
}

const { d: _secret, ...PUBLIC_JWK } = SIGNING_JWK;
const OTHER_SIGNING_JWK = await newSigningJwk();

async function expectRefusal(settings: Settings, name: string): Promise<void> {
  const bindings = withSettings(settings);
  for (const path of ["/v1/users", "/v1/auth/me", "/.well-known/jwks.json"]) {
    const answer = await send(path, { bindings });
    expectProblem(answer, 503, "misconfigured");
    expect(answer.headers.get("Retry-After")).toMatch(/^\d+$/);
    expect(answer.text).not.toContain(name);
  }
  const login = { body: { username: "ada", password: "x" }, bindings };
  expectProblem(await send("/v1/auth/login", login), 503, "misconfigured");
  const ready = await send("/ready", { bindings });
  expectProblem(ready, 503, "misconfigured");
  expect(ready.body.checks.config).toMatchObject({
    status: "failed",
    detail: expect.stringContaining(name),
  });
  const value = settings[name];
  if (value && value.length > 8) expect(ready.text).not.toContain(value);
  expect((await send("/health", { bindings })).status).toBe(200);
}

describe("the service refuses to serve /v1, and /ready names it,", () => {
  const faults: [string, string, Settings][] = [
    ["DB", "is not bound", { DB: undefined }],
    ["KV", "is not bound", { KV: undefined }],
    ["SIGNING_KEYS", "is missing", { SIGNING_KEYS: undefined }],
    ["SIGNING_KEYS", "is empty", { SIGNING_KEYS: "" }],
    ["SIGNING_KEYS", "is not JSON", { SIGNING_KEYS: "not a key set at all" }],
    ["SIGNING_KEYS", "contains no key", { SIGNING_KEYS: jwkSet() }],
    ["SIGNING_KEYS", "contains a public key", { SIGNING_KEYS: jwkSet(PUBLIC_JWK) }],
    ["SIGNING_KEYS", "contains a MAC key", { SIGNING_KEYS: env.MAC_KEYS }],
    [
      "SIGNING_KEYS",
      "contains a short key",
      { SIGNING_KEYS: jwkSet({ ...SIGNING_JWK, d: "AAAA" }) },
    ],
    [
      "SIGNING_KEYS",
      "has two keys with one kid",
      { SIGNING_KEYS: jwkSet(SIGNING_JWK, SIGNING_JWK) },
    ],
    [
      "SIGNING_KEYS",
      "has a public part that does not match the private part",
      { SIGNING_KEYS: jwkSet({ ...OTHER_SIGNING_JWK, x: SIGNING_JWK.x }) },
    ],
    ["SIGNING_KEYS", "has a numeric kid", { SIGNING_KEYS: jwkSet({ ...SIGNING_JWK, kid: 7 }) }],
    ["MAC_KEYS", "is missing", { MAC_KEYS: undefined }],
    ["MAC_KEYS", "is empty", { MAC_KEYS: "" }],
    ["MAC_KEYS", "is not JSON", { MAC_KEYS: "a bare secret of thirty-two bytes" }],
    ["MAC_KEYS", "contains a short key", { MAC_KEYS: jwkSet(octJwk("short", 1, 31)) }],
    ["MAC_KEYS", "contains a signing key", { MAC_KEYS: env.SIGNING_KEYS }],
    ["PEPPER_KEYS", "is set but not JSON", { PEPPER_KEYS: "a bare pepper, not a set" }],
    ["PEPPER_KEYS", "contains a short key", { PEPPER_KEYS: jwkSet(octJwk("short", 1, 31)) }],
    ["RATE_LIMIT_AUTH", "is not a rate", { RATE_LIMIT_AUTH: "5 per minute" }],
    ["RATE_LIMIT_READ", "has a window of 0", { RATE_LIMIT_READ: "5/0" }],
    ["BREACHED_PASSWORD_URL", "is not a web address", { BREACHED_PASSWORD_URL: "somewhere" }],
    ["ENVIRONMENT", "is unknown", { ENVIRONMENT: "staging" }],
    ["ALERT_WEBHOOK_URL", "is not a web address", { ...WEBHOOK, ALERT_WEBHOOK_URL: "somewhere" }],
    ["ALERT_WEBHOOK_URL", "is missing", { ...WEBHOOK, ALERT_WEBHOOK_URL: undefined }],
    [
      "ALERT_WEBHOOK_URL",
      "leaves the machine without TLS",
      { ...WEBHOOK, ALERT_WEBHOOK_URL: "http://localhost.example/hook" },
    ],
    [
      "ALERT_WEBHOOK_URL",
      "has a password",
      { ...WEBHOOK, ALERT_WEBHOOK_URL: "https://ada:secret@alerts.example" },
    ],
    ["ALERT_WEBHOOK_SECRET", "is missing", { ...WEBHOOK, ALERT_WEBHOOK_SECRET: undefined }],
    ["ALERT_WEBHOOK_SECRET", "has no prefix", { ...WEBHOOK, ALERT_WEBHOOK_SECRET: "c2VjcmV0" }],
    [
      "ALERT_WEBHOOK_SECRET",
      "is short",
      { ...WEBHOOK, ALERT_WEBHOOK_SECRET: `whsec_${btoa("twenty-three bytes only")}` },
    ],
    [
      "ALERT_WEBHOOK_SECRET",
      "is not base64",
      { ...WEBHOOK, ALERT_WEBHOOK_SECRET: `whsec_${"a".repeat(33)}` },
    ],
    ["APP_NAME", "is blank", { APP_NAME: " " }],
    ["APP_NAME", "has more than 50 characters", { APP_NAME: "a".repeat(51) }],
    ["APP_NAME", "contains a line break", { APP_NAME: "Acme\r\nBcc: a@b.example" }],
    ["APP_NAME", "contains a Unicode line break", { APP_NAME: "Acme\u2028Corp" }],
    ["APP_NAME", "contains a control character", { APP_NAME: "Ac\u0007me" }],
    ["APP_URL", "is not a web address", { APP_URL: "javascript:alert(1)" }],
    [
      "CORS_ORIGINS",
      "contains something that is not an origin",
      { CORS_ORIGINS: "https://a.example, somewhere" },
    ],
    ["RP_ID", "is not a domain", { RP_ID: "https://a.example" }],
    ["RP_ID", "is an IP address", { RP_ID: "192.0.2.1" }],
    ["RP_ID", "is another domain than that of APP_URL", { RP_ID: "example.com" }],
    [
      "RP_ID",
      "is a part of a label",
      { RP_ID: "ple.example", RP_ORIGINS: "https://apple.example" },
    ],
    ["RP_ID", "is below an origin", { RP_ID: "id.roster.test" }],
    ["RP_ID", "is a top-level domain", { RP_ID: "test" }],
    ["RP_ID", "is missing from an origin", { RP_ORIGINS: "https://roster.test,https://a.example" }],
    ["RP_ID", "has an origin without https", { RP_ORIGINS: "http://roster.test" }],
    ["RP_ID", "has an IP address among its origins", { RP_ORIGINS: "https://192.0.2.1" }],
    ["RP_ORIGINS", "contains something that is not an origin", { RP_ORIGINS: "a.example" }],
    ["RP_ORIGINS", "contains a malformed app", { RP_ORIGINS: "android:apk-key-hash:abc" }],
    ["PASSWORD_ITERATIONS", "is not a number", { PASSWORD_ITERATIONS: "lots" }],
    ["PASSWORD_MIN_LENGTH", "is below 8", { PASSWORD_MIN_LENGTH: "4" }],
    ["LOGIN_ATTEMPT_LIMIT", "is 0", { LOGIN_ATTEMPT_LIMIT: "0" }],
    ["ACCESS_TOKEN_TTL_SECONDS", "is a day", { ACCESS_TOKEN_TTL_SECONDS: "86400" }],
    ["SERVER_TIMING", "is neither on nor off", { SERVER_TIMING: "yes" }],
    ["REGISTRATION", "is neither open nor closed", { REGISTRATION: "Closed" }],
    ["LOG_LEVEL", "is unknown", { LOG_LEVEL: "verbose" }],
    ["LOG_LEVEL", "is empty", { LOG_LEVEL: "" }],
    ["BREACHED_PASSWORD_URL", "is not HTTP", { BREACHED_PASSWORD_URL: "ftp://a.example" }],
  ];
  it.each(faults)("when %s %s", async (name, _, settings) => {
    await expectRefusal(settings, name);
  });

  it("naming several settings at once", async () => {
    const bindings = withSettings({ SIGNING_KEYS: "x", MAC_KEYS: "y" });
    const { body } = await send("/ready", { bindings });
    expect(body.checks.config.detail).toMatch(/SIGNING_KEYS: .*MAC_KEYS: /);
  });
});

describe("production", () => {
  it("serves with production keys", async () => {
    const bindings = withSettings(await productionSettings());
    expect((await send("/ready", { bindings })).status).toBe(200);
    expectProblem(await send("/v1/users", { bindings }), 401, "unauthenticated");
  });

  it("serves without mail, and /ready says whether there is any", async () => {
    const settings = await productionSettings();
    const statusOf = async (mail: Settings) => {
      const { body } = await send("/ready", { bindings: withSettings({ ...settings, ...mail }) });
      return body.checks.mail.status;
    };
    expect(await statusOf({})).toBe("off");
    expect(await statusOf({ MAIL_FROM: "no-reply@acme.example" })).toBe("ok");
  });

  it("is the default ENVIRONMENT", async () => {
    await expectRefusal({ ENVIRONMENT: undefined, PASSWORD_ITERATIONS: undefined }, "SIGNING_KEYS");
  });

  it.each(["SIGNING_KEYS", "MAC_KEYS", "DATA_KEYS", "PEPPER_KEYS"])(
    "refuses development keys in %s, alone or after others",
    async (name) => {
      const settings: Record<string, string> = await productionSettings();
      const development =
        name === "SIGNING_KEYS" ? await newSigningJwk("dev-1") : octJwk("dev-1", 2);
      const [own] = JSON.parse(settings[name] ?? "").keys;
      await expectRefusal({ ...settings, [name]: jwkSet(development) }, name);
      await expectRefusal({ ...settings, [name]: jwkSet(own, development) }, name);
    },
  );

  it.each([
    ["SERVER_TIMING", "on"],
    ["PASSWORD_ITERATIONS", "599999"],
    ["APP_URL", undefined],
    ["APP_URL", "http://roster.test"],
    ["APP_URL", "https://roster-staging.invalid"],
    ["APP_URL", "https://id.example.com"],
    ["MAIL_LINK_URL", "http://app.example"],
    ["MAIL_API_URL", "HTTP://mail.example/emails"],
    ["BREACHED_PASSWORD_URL", "http://breaches.example/range/"],
  ])("refuses %s=%s and says what it must be", async (name, value) => {
    const settings = await productionSettings();
    await expectRefusal({ ...settings, [name]: value }, name);
    const bindings = withSettings({ ...settings, [name]: value });
    const { body } = await send("/ready", { bindings });
    expect(body.checks.config.detail).toMatch(
      new RegExp(`^${name}: (must|is required) .*in production`),
    );
  });
});

describe("a webhook for alerts", () => {
  const LOCAL = { ...WEBHOOK, ALERT_WEBHOOK_URL: "http://localhost:9000/hook" };

  it("may be on this machine without TLS in development only", async () => {
    const local = ["http://localhost:9000/hook", "http://127.0.0.1/hook", "http://[::1]:9000/hook"];
    for (const url of local) {
      const bindings = withSettings({ ...WEBHOOK, ALERT_WEBHOOK_URL: url });
      expect((await send("/ready", { bindings })).status).toBe(200);
    }
    await expectRefusal({ ...(await productionSettings()), ...LOCAL }, "ALERT_WEBHOOK_URL");
  });

  it("is allowed in production with TLS", async () => {
    const bindings = withSettings({ ...(await productionSettings()), ...WEBHOOK });
    expect((await send("/ready", { bindings })).status).toBe(200);
  });
});

describe("development", () => {
  it.each([
    ["SERVER_TIMING", "on"],
    ["APP_URL", undefined],
    ["APP_URL", "http://localhost:8787"],
    ["MAIL_LINK_URL", "http://localhost:3000"],
  ])("allows %s=%s, which production refuses", async (name, value) => {
    const bindings = withSettings({ [name]: value });
    expect((await send("/ready", { bindings })).status).toBe(200);
  });
});

describe("the log lists what is wrong with the settings,", () => {
  const FAULTS = [
    { setting: "LOG_LEVEL", message: expect.stringContaining("expected one of") },
    { setting: "DATA_KEYS", message: "is missing" },
  ];

  it("once per isolate, by name and without values", async () => {
    const bindings = withSettings({ LOG_LEVEL: "unmistakable", DATA_KEYS: undefined });
    const logs = captureLogs();
    await send("/v1/users", { bindings });
    await send("/ready", { bindings });
    expect(logs.of("config.invalid")).toMatchObject([{ level: "error", faults: FAULTS }]);
    expect(logs.text()).not.toContain("unmistakable");
  });

  it("also when a scheduled job cannot run", async () => {
    const bindings = withSettings({ LOG_LEVEL: "unmistakable", DATA_KEYS: undefined });
    const logs = captureLogs();
    await runCron(HOURLY, bindings);
    expect(logs.of("cron.misconfigured")).toMatchObject([{ level: "error", faults: FAULTS }]);
  });
});
