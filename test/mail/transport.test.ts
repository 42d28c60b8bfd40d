import { describe, expect, it, vi } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { MINUTELY, runCron } from "../support/cron.ts";
import { newAccount, sqlAll, sqlRun } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import { createMailbox, createMailUser, flowsOf, tokenIn } from "../support/mail.ts";
import { expectProblem } from "../support/problems.ts";

const HTTP = {
  MAIL_TRANSPORT: "http",
  MAIL_FROM: "Roster <no-reply@roster.example>",
  MAIL_API_URL: "https://mail.example/emails",
  MAIL_API_KEY: "re_unmistakable",
};

/** Mocks a mail provider that returns these statuses in order and repeats the last one. */
function mockProvider(...statuses: number[]) {
  return vi.spyOn(globalThis, "fetch").mockImplementation(async () => {
    const status = statuses.length > 1 ? statuses.shift() : statuses[0];
    return new Response('{"id":"1"}', { status: status ?? 200 });
  });
}

const callsOf = (spy: ReturnType<typeof mockProvider>) =>
  spy.mock.calls.map(([url, init]) => ({
    url: String(url),
    method: init?.method,
    headers: new Headers(init?.headers),
    body: JSON.parse(String(init?.body)),
    signal: init?.signal,
  }));

const register = async (bindings: Cloudflare.Env) => {
  const account = newAccount();
  const { body } = await send("/v1/auth/register", { body: account, bindings });
  return { ...account, id: body.id as string };
};

describe("MAIL_TRANSPORT http", () => {
  it("posts a mail to the provider's API with the key, a timeout and an Idempotency-Key", async () => {
    const spy = mockProvider(200);
    const { email, id } = await register(createIsolate(HTTP));
    const [call, ...others] = callsOf(spy);
    expect(others).toEqual([]);
    expect(call).toMatchObject({ url: "https://mail.example/emails", method: "POST" });
    expect(call?.headers.get("Authorization")).toBe("Bearer re_unmistakable");
    expect(call?.headers.get("Content-Type")).toBe("application/json");
    const [row] = await sqlAll<{ id: string }>("SELECT id FROM mail_outbox WHERE user_id = ?", id);
    expect(call?.headers.get("Idempotency-Key")).toBe(row?.id);
    expect(Object.keys(call?.body).sort()).toEqual(["from", "html", "subject", "text", "to"]);
    expect(call?.body).toMatchObject({ from: HTTP.MAIL_FROM, to: [email] });
    expect(call?.signal).toBeInstanceOf(AbortSignal);
    expect((await flowsOf({ bindings: createIsolate() }).verify(tokenIn(call?.body))).status).toBe(
      200,
    );
  });

  it("retries after 429, 500 and a broken connection with the same Idempotency-Key, and not after 200", async () => {
    const clock = stopClock();
    await sqlRun("DELETE FROM mail_outbox");
    const bindings = createIsolate(HTTP);
    const spy = mockProvider(429, 500, 200);
    await register(bindings);
    spy.mockImplementationOnce(async () => {
      throw new TypeError("connection reset");
    });
    for (let i = 0; i < 6; i += 1) {
      clock.pass(3_600_000);
      await runCron(MINUTELY, bindings);
    }
    const calls = callsOf(spy);
    expect(calls).toHaveLength(4);
    expect(new Set(calls.map(({ headers }) => headers.get("Idempotency-Key"))).size).toBe(1);
    expect(new Set(calls.map(({ body }) => body.text)).size).toBe(1);
  });

  it("sends the id of the request that sends the mail, also for a retry by cron", async () => {
    const clock = stopClock();
    const logs = captureLogs();
    await sqlRun("DELETE FROM mail_outbox");
    const bindings = createIsolate(HTTP);
    const spy = mockProvider(500, 200);
    const headers = { "X-Request-Id": "client-chosen-id-1" };
    await send("/v1/auth/register", { body: newAccount(), bindings, headers });
    const [{ request_id: registered } = {}] = logs.of("request");
    clock.pass(3_600_000);
    await runCron(MINUTELY, bindings);
    const ids = callsOf(spy).map(({ headers: sent }) => sent.get("X-Request-Id"));
    expect(ids).toEqual([registered, logs.of("mail.sent")[0]?.request_id]);
    expect(ids).not.toContain("client-chosen-id-1");
  });

  it.each([400, 404, 410, 413, 422, 451])(
    "gives a mail up at once after %i, and logs the status without the address",
    async (status) => {
      const clock = stopClock();
      const logs = captureLogs();
      await sqlRun("DELETE FROM mail_outbox");
      const bindings = createIsolate(HTTP);
      const spy = mockProvider(status, 200);
      const { email, id } = await register(bindings);
      clock.pass(3_600_000);
      await runCron(MINUTELY, bindings);
      expect(callsOf(spy)).toHaveLength(1);
      expect(logs.of("mail.refused")).toMatchObject([{ level: "error", reason: String(status) }]);
      expect(logs.text()).not.toContain(email);
      const [row] = await sqlAll(
        "SELECT sent_at, failed_at FROM mail_outbox WHERE user_id = ?",
        id,
      );
      expect(row).toEqual({ sent_at: null, failed_at: clock.start });
    },
  );

  it.each([401, 403, 408, 409, 425, 429, 500, 502, 503])(
    "tries a mail again after %i",
    async (status) => {
      const clock = stopClock();
      await sqlRun("DELETE FROM mail_outbox");
      const bindings = createIsolate(HTTP);
      const spy = mockProvider(status, 200);
      await register(bindings);
      clock.pass(3_600_000);
      await runCron(MINUTELY, bindings);
      expect(callsOf(spy)).toHaveLength(2);
    },
  );

  it("logs neither the key, the address nor the provider's response when it fails", async () => {
    const logs = captureLogs();
    mockProvider(500);
    const { email } = await register(createIsolate(HTTP));
    expect(logs.of("mail.attempt_failed")).toMatchObject([{ level: "warn", kind: "verify_email" }]);
    expect(logs.text()).not.toMatch(/re_unmistakable|mail\.example/);
    expect(logs.text()).not.toContain(email);
  });
});

describe("MAIL_TRANSPORT cloudflare", () => {
  it("sends no HTTP request", async () => {
    const spy = mockProvider(200);
    const box = createMailbox();
    await register(box.bindings);
    expect(box.sent).toHaveLength(1);
    expect(spy).not.toHaveBeenCalled();
  });
});

describe("MAIL_TRANSPORT off", () => {
  it("queues and sends nothing: registration and login work, and what needs email returns 503 mail_not_configured", async () => {
    const box = createMailbox({ MAIL_TRANSPORT: "off" });
    const user = await createMailUser(box);
    const { forgot, resend, changeEmail, logIn } = flowsOf(box);
    const counted = await sqlAll("SELECT * FROM login_attempts");
    const wrong = await changeEmail(user.token, `new.${user.email}`, "wrong");
    for (const refused of [
      await forgot(user.email),
      await resend(user.token),
      await changeEmail(user.token, `new.${user.email}`),
      wrong,
    ]) {
      expectProblem(refused, 503, "mail_not_configured");
      expect(refused.headers.get("Retry-After")).toMatch(/^[1-9]\d*$/);
      expect(refused.body.detail).toContain("configure email");
    }
    expect(await sqlAll("SELECT * FROM login_attempts")).toEqual(counted);
    expect((await logIn(user.username)).status).toBe(200);
    expect(await sqlAll("SELECT id FROM mail_outbox WHERE user_id = ?", user.id)).toEqual([]);
    expect(box.calls()).toBe(0);
  });

  it("keeps queued mail until the transport is on again", async () => {
    stopClock();
    const box = createMailbox();
    box.faults.refuses = () => true;
    const { id } = await register(box.bindings);
    await runCron(MINUTELY, createIsolate({ MAIL_TRANSPORT: "off" }));
    const [row] = await sqlAll("SELECT attempts, sent_at FROM mail_outbox WHERE user_id = ?", id);
    expect(row).toEqual({ attempts: 1, sent_at: null });
  });
});

describe("the mail settings", () => {
  it.each([
    ["MAIL_API_KEY", { ...HTTP, MAIL_API_KEY: undefined }],
    ["MAIL_FROM", { ...HTTP, MAIL_FROM: undefined }],
    ["MAIL_API_URL", { ...HTTP, MAIL_API_URL: "ftp://mail.example" }],
    ["MAIL_TRANSPORT", { MAIL_TRANSPORT: "smtp" }],
    ["APP_URL", { MAIL_FROM: "a@example.com", APP_URL: undefined }],
    ["LOGIN_REQUIRES_VERIFIED_EMAIL", { LOGIN_REQUIRES_VERIFIED_EMAIL: "yes" }],
    [
      "LOGIN_REQUIRES_VERIFIED_EMAIL",
      { LOGIN_REQUIRES_VERIFIED_EMAIL: "on", MAIL_TRANSPORT: "off" },
    ],
    ["EMAIL_LOGIN", { EMAIL_LOGIN: "on", MAIL_TRANSPORT: "off" }],
    ["DELETED_RETENTION_DAYS", { DELETED_RETENTION_DAYS: "0" }],
    ["DATA_KEYS", { DATA_KEYS: undefined }],
  ])(
    "are checked: the service refuses to serve and names %s if it is missing or invalid",
    async (setting, settings) => {
      const bindings = createIsolate(settings);
      const ready = await send("/ready", { bindings });
      expect(ready.status).toBe(503);
      expect(ready.text).toContain(setting);
      expect(ready.text).not.toContain("re_unmistakable");
      expectProblem(await send("/v1/users/me", { bindings }), 503, "misconfigured");
    },
  );

  it("have a default sender in development", async () => {
    const box = createMailbox({ MAIL_FROM: undefined });
    await register(box.bindings);
    expect(box.sent[0]?.from).toBe("Roster <roster@roster.example>");
  });
});
