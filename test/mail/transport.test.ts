import { describe, expect, it, vi } from "vitest";
import { send } from "../support/api.ts";
import { stopClock } from "../support/clock.ts";
import { MINUTELY, runCron } from "../support/cron.ts";
import { newAccount, sqlAll, sqlRun } from "../support/fixtures.ts";
import { isolate } from "../support/isolates.ts";
import { catchLogs } from "../support/logs.ts";
import { createMailbox, createMailUser, flowsOf, tokenIn } from "../support/mail.ts";
import { expectProblem } from "../support/problems.ts";

const HTTP = {
  MAIL_TRANSPORT: "http",
  MAIL_FROM: "Roster <no-reply@roster.example>",
  MAIL_API_URL: "https://mail.example/emails",
  MAIL_API_KEY: "re_unmistakable",
};

/** A mail provider that answers with these statuses in turn, the last for good. */
function provider(...statuses: number[]) {
  return vi.spyOn(globalThis, "fetch").mockImplementation(async () => {
    const status = statuses.length > 1 ? statuses.shift() : statuses[0];
    return new Response('{"id":"1"}', { status: status ?? 200 });
  });
}

const callsOf = (spy: ReturnType<typeof provider>) =>
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
  it("hands a mail to the provider's API, with the key, a deadline and an Idempotency-Key", async () => {
    const spy = provider(200);
    const { email, id } = await register(isolate(HTTP));
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
    expect((await flowsOf({ bindings: isolate() }).verify(tokenIn(call?.body))).status).toBe(200);
  });

  it("tries again after 429, 500 and a broken connection, under the same Idempotency-Key, and not after 200", async () => {
    const clock = stopClock();
    await sqlRun("DELETE FROM mail_outbox");
    const bindings = isolate(HTTP);
    const spy = provider(429, 500, 200);
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

  it("logs neither the key, the address nor the provider's words when it fails", async () => {
    const logs = catchLogs();
    provider(500);
    const { email } = await register(isolate(HTTP));
    expect(logs.of("mail.attempt_failed")).toMatchObject([{ level: "warn", kind: "verify_email" }]);
    expect(logs.text()).not.toMatch(/re_unmistakable|mail\.example/);
    expect(logs.text()).not.toContain(email);
  });
});

describe("MAIL_TRANSPORT cloudflare", () => {
  it("asks nobody over HTTP", async () => {
    const spy = provider(200);
    const box = createMailbox();
    await register(box.bindings);
    expect(box.sent).toHaveLength(1);
    expect(spy).not.toHaveBeenCalled();
  });
});

describe("MAIL_TRANSPORT off", () => {
  it("queues and sends nothing, and the flows answer as ever", async () => {
    const box = createMailbox({ MAIL_TRANSPORT: "off" });
    const user = await createMailUser(box);
    const { forgot, resend, changeEmail } = flowsOf(box);
    expect((await forgot(user.email)).status).toBe(202);
    expect((await resend(user.token)).status).toBe(202);
    expect((await changeEmail(user.token, `new.${user.email}`)).status).toBe(202);
    expect(await sqlAll("SELECT id FROM mail_outbox WHERE user_id = ?", user.id)).toEqual([]);
    expect(box.calls()).toBe(0);
  });

  it("leaves what waits for the day on which it is on again", async () => {
    stopClock();
    const box = createMailbox();
    box.faults.refuses = () => true;
    const { id } = await register(box.bindings);
    await runCron(MINUTELY, isolate({ MAIL_TRANSPORT: "off" }));
    const [row] = await sqlAll("SELECT attempts, sent_at FROM mail_outbox WHERE user_id = ?", id);
    expect(row).toEqual({ attempts: 1, sent_at: null });
  });
});

describe("the settings of mail", () => {
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
    ["DELETED_RETENTION_DAYS", { DELETED_RETENTION_DAYS: "0" }],
    ["DATA_KEYS", { DATA_KEYS: undefined }],
  ])("refuses to serve and names %s when it is missing or wrong", async (setting, settings) => {
    const bindings = isolate(settings);
    const ready = await send("/ready", { bindings });
    expect(ready.status).toBe(503);
    expect(ready.text).toContain(setting);
    expect(ready.text).not.toContain("re_unmistakable");
    expectProblem(await send("/v1/users/me", { bindings }), 503, "misconfigured");
  });

  it("have a sender of their own in development", async () => {
    const box = createMailbox({ MAIL_FROM: undefined });
    await register(box.bindings);
    expect(box.sent[0]?.from).toBe("Roster <roster@roster.example>");
  });
});
