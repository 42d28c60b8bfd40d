import { beforeEach, describe, expect, it } from "vitest";
import { costOf, send } from "../support/api.ts";
import { type Counting, startCounting } from "../support/counting.ts";
import { createTestKey, sendWithKey } from "../support/credentials.ts";
import { emailLoginOf } from "../support/email-login.ts";
import {
  byTotp,
  codeOf,
  createTotpUser,
  halfLogIn,
  verify,
  wrongCodeOf,
} from "../support/factors.ts";
import { faultyBindings } from "../support/faults.ts";
import { createTestUser, PASSWORD } from "../support/fixtures.ts";
import { createIsolate, warm } from "../support/isolates.ts";
import { growthDuring, parseMetrics } from "../support/metrics.ts";
import {
  createPasskeyUser,
  loginOptions,
  passkeyLogin,
  sendAssertion,
} from "../support/passkeys.ts";
import { expectProblem } from "../support/problems.ts";
import { createProviderBox, logInWith, newPerson } from "../support/provider-logins.ts";
import { fakeProviders } from "../support/providers.ts";

const SECOND = 1000;

const requests = (route: string, method: string, status: number) =>
  `roster_http_requests_total{route="${route}",method="${method}",status="${status}"}`;

let clock: Counting["clock"];
let writeAll: Counting["writeAll"];

beforeEach(() => {
  ({ clock, writeAll } = startCounting());
});

describe("requests", () => {
  it("are counted over all isolates, by route, method and status", async () => {
    const { token, id } = await createTestUser();
    const isolates = [createIsolate(), createIsolate(), createIsolate()];
    const growth = await growthDuring(async () => {
      for (const bindings of isolates) {
        await send("/v1/users/me", { token, bindings });
        await send(`/v1/users/${id}`, { token, bindings });
        await send("/v1/users/me", { bindings });
        await send("/v1/users/me", { method: "PATCH", body: {}, token, bindings });
        clock.pass(30 * SECOND);
      }
      for (const bindings of isolates) await send("/health", { bindings });
    });
    expect(growth.get(requests("/v1/users/:id", "GET", 200))).toBe(6);
    expect(growth.get(requests("/v1/users/:id", "GET", 401))).toBe(3);
    expect(growth.get(requests("/v1/users/:id", "PATCH", 200))).toBe(3);
    expect(growth.get('roster_http_request_duration_seconds_count{route="/v1/users/:id"}')).toBe(
      12,
    );
  });

  it("have one label value for all paths and methods that do not exist", async () => {
    const growth = await growthDuring(async () => {
      const bindings = createIsolate();
      for (const path of ["/", "/v1/", "/.well-known/", "/metrics/"]) {
        await send(`${path}${crypto.randomUUID()}`, { bindings });
        await send(`${path}made-up`, { bindings, method: "PROPFIND" });
      }
      await send("/health", { bindings, method: "PROPFIND" });
      clock.pass(30 * SECOND);
      await send("/health", { bindings });
    });
    expect(growth.get(requests("unknown", "GET", 404))).toBe(4);
    expect(growth.get(requests("unknown", "unknown", 404))).toBe(4);
    expect([...growth.keys()].join("\n")).not.toMatch(/made-up|PROPFIND|[0-9a-f]{8}-/);
  });

  it("are in the buckets of their duration and of all longer ones", async () => {
    const growth = await growthDuring(async () => {
      await send("/ready", { bindings: createIsolate() });
    });
    const ofRoute = [...growth].filter(([series]) =>
      /_seconds_bucket{route="\/ready"/.test(series),
    );
    const counts = ofRoute.map(([, count]) => count);
    expect(counts.length).toBeGreaterThan(0);
    expect(counts).toEqual(counts.map(() => 1));
    expect(ofRoute.at(-1)?.[0]).toContain('le="+Inf"');
  });

  it("cost D1 and KV what Server-Timing says", async () => {
    const { token } = await createTestUser("admin");
    await writeAll();
    const options = { bindings: createIsolate(), token };
    const first = await send("/metrics", options);
    const answers = [
      first,
      await send("/v1/users/me", { ...options, method: "PATCH", body: { first_name: "Ada" } }),
      await send("/v1/users/me", options),
      await send("/ready", options),
    ];
    clock.pass(30 * SECOND);
    await send("/health", options);
    const before = parseMetrics(first.text);
    const after = parseMetrics((await send("/metrics", options)).text);
    const grownBy = (series: string) => (after.get(series) ?? 0) - (before.get(series) ?? 0);
    const spent = (name: keyof ReturnType<typeof costOf>) =>
      answers.reduce((sum, answer) => sum + costOf(answer)[name], 0);
    expect(spent("rowsWritten")).toBeGreaterThan(0);
    expect(spent("kvReads")).toBeGreaterThan(0);
    expect(grownBy("roster_d1_round_trips_total")).toBe(spent("queries"));
    expect(grownBy("roster_d1_rows_read_total")).toBe(spent("rowsRead"));
    expect(grownBy("roster_d1_rows_written_total")).toBe(spent("rowsWritten"));
    expect(grownBy('roster_kv_operations_total{operation="read"}')).toBe(spent("kvReads"));
    expect(grownBy('roster_kv_operations_total{operation="write"}')).toBe(spent("kvWrites"));
  });
});

/** What grows while people log in, without the logins that happened before. */
async function growthOfLogins(work: () => Promise<unknown>) {
  const reader = await createTestUser("admin");
  await writeAll();
  return growthDuring(async () => {
    await work();
    await writeAll();
  }, reader);
}

describe("logins", () => {
  it("are counted by result, and lock-outs by what is locked", async () => {
    const { username } = await createTestUser();
    const logIn = (password: string, name = username) =>
      send("/v1/auth/login", { body: { username: name, password } });
    const growth = await growthOfLogins(async () => {
      await logIn(PASSWORD);
      await logIn("wrong password", "nobody");
      for (let i = 0; i < 12; i += 1) await logIn("wrong password");
    });
    expect(growth.get('roster_logins_total{result="success"}')).toBe(1);
    expect(growth.get('roster_logins_total{result="invalid_credentials"}')).toBe(11);
    expect(growth.get('roster_logins_total{result="too_many_attempts"}')).toBe(2);
    expect(growth.get('roster_lockouts_total{scope="network"}')).toBe(1);
    expect(growth.get('roster_lockouts_total{scope="account"}')).toBeUndefined();
  });
});

describe("logins by other ways", () => {
  const result = (code: string) => `roster_logins_total{result="${code}"}`;

  it("are counted with a second factor: what it begins, and how it ends", async () => {
    const user = await createTotpUser();
    const wrong = byTotp(await wrongCodeOf(user.secret));
    const growth = await growthOfLogins(async () => {
      const token = await halfLogIn(user);
      await verify(token, wrong);
      await verify("rmf_none", wrong);
      await verify(token, byTotp(await codeOf(user.secret)));
      const other = await halfLogIn(user);
      for (let i = 0; i < 6; i += 1) await verify(other, wrong);
    });
    expect(growth.get(result("mfa_required"))).toBe(2);
    expect(growth.get(result("invalid_code"))).toBe(6);
    expect(growth.get(result("invalid_mfa_token"))).toBe(1);
    expect(growth.get(result("too_many_attempts"))).toBe(1);
    expect(growth.get(result("success"))).toBe(1);
    expect(growth.get('roster_lockouts_total{scope="second_factor"}')).toBe(1);
  });

  it("are counted with a passkey, whether it is wrong, unknown or malformed", async () => {
    const { authenticator } = await createPasskeyUser();
    const growth = await growthOfLogins(async () => {
      expect((await passkeyLogin(authenticator)).status).toBe(200);
      const credential = await authenticator.authenticate(await loginOptions());
      const { response } = credential;
      for (const wrong of [
        { id: "AAAA", rawId: "AAAA" },
        { response: { ...response, signature: "AAAA" } },
        { response: { ...response, clientDataJSON: "AAAA" } },
      ]) {
        expect((await sendAssertion({ ...credential, ...wrong })).status).toBe(401);
      }
    });
    expect(growth.get(result("success"))).toBe(1);
    expect(growth.get(result("invalid_credentials"))).toBe(3);
  });

  it("are counted by email and with a provider", async () => {
    const box = createProviderBox({ EMAIL_LOGIN: "on", REGISTRATION: "closed" });
    const { bindings } = box;
    const fake = await fakeProviders();
    const growth = await growthDuring(async () => {
      const wrong = await emailLoginOf(box).verify({ token: "unknown" });
      expectProblem(wrong, 401, "invalid_code");
      const refused = await logInWith(box, fake, { claims: newPerson() });
      expectProblem(refused, 403, "registration_closed");
      clock.pass(30 * SECOND);
      await send("/health", { bindings });
    });
    expect(growth.get(result("invalid_code"))).toBe(1);
    expect(growth.get(result("registration_closed"))).toBe(1);
  });
});

describe("refusals and introspections", () => {
  it("are counted by policy of the rate limit", async () => {
    const { token } = await createTestUser();
    const bindings = createIsolate({ RATE_LIMIT_READ: "2/9999" });
    const growth = await growthDuring(async () => {
      for (let i = 0; i < 5; i += 1) await send("/v1/users/me", { token, bindings });
      clock.pass(30 * SECOND);
      await send("/health", { bindings });
    });
    expect(growth.get('roster_rate_limited_total{policy="read"}')).toBe(3);
  });

  it("are counted by what answered: memory, KV or D1", async () => {
    const service = await createTestKey(await createTestUser("admin"), ["tokens:introspect"]);
    const { token } = await createTestUser();
    const ask = (bindings: Cloudflare.Env) =>
      sendWithKey(service, "/v1/auth/introspect", { body: { token }, bindings });
    const growth = await growthDuring(async () => {
      const bindings = createIsolate();
      await ask(bindings);
      await ask({ ...faultyBindings({ kvGet: (key) => key.startsWith("session:") }) });
      await send("/v1/auth/logout", { method: "POST", token, bindings });
      expect((await ask(bindings)).body).toEqual({ active: false });
      clock.pass(30 * SECOND);
      await send("/health", { bindings });
    });
    const by = (source: string) => growth.get(`roster_introspections_total{source="${source}"}`);
    expect([by("kv"), by("d1"), by("memory")]).toEqual([1, 1, 1]);
  });
});

describe("a data point", () => {
  it("is written per request, without ids and addresses", async () => {
    const points: AnalyticsEngineDataPoint[] = [];
    const METRICS = {
      writeDataPoint: (point?: AnalyticsEngineDataPoint) => points.push(point ?? {}),
    };
    const bindings = warm({ ...createIsolate(), METRICS }) as unknown as Cloudflare.Env;
    const { token, id } = await createTestUser();
    await send(`/v1/users/${id}`, { token, bindings });
    await send("/v1/nothing", { bindings });
    expect(points).toEqual([
      {
        indexes: ["/v1/users/:id"],
        blobs: ["/v1/users/:id", "GET", "2xx", ""],
        doubles: [expect.any(Number), 1, expect.any(Number), 0, 0, 0],
      },
      {
        indexes: ["unknown"],
        blobs: ["unknown", "GET", "4xx", ""],
        doubles: [expect.any(Number), 0, 0, 0, 0, 0],
      },
    ]);
  });
});
