import { env } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { send } from "../support/api.ts";
import { beforeStatement } from "../support/d1.ts";
import {
  ALL_REFUSED,
  actionsOn,
  auditOf,
  createTestUser,
  logIn,
  newAccount,
  PASSWORD,
  sqlRun,
  statusesOf,
} from "../support/fixtures.ts";
import { currentIsolate } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import { createMailbox, createVerifiedMailUser } from "../support/mail.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const NEW = "another pass phrase";

const change = (token: string, body: Record<string, unknown> = {}, bindings = currentIsolate()) =>
  send("/v1/auth/password/change", {
    token,
    body: { current_password: PASSWORD, new_password: NEW, ...body },
    bindings,
  });

const statusOfLogin = async (username: string, password: string) =>
  (await send("/v1/auth/login", { body: { username, password } })).status;

describe("POST /v1/auth/password/change", () => {
  it("returns 204, and the new password replaces the old one", async () => {
    const { username, token } = await createTestUser();
    const answer = await change(token);
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 204, text: "" });
    expect(await statusOfLogin(username, NEW)).toBe(200);
    expect(await statusOfLogin(username, PASSWORD)).toBe(401);
  });

  it("ends every other session immediately and keeps the current one", async () => {
    const user = await createTestUser();
    const other = await logIn(user.username);
    await send("/v1/auth/me", { token: other.token });
    await change(user.token);
    expect(await statusesOf(other)).toEqual(ALL_REFUSED);
    expect(await statusesOf(user)).toEqual({ write: 200, read: 200, refresh: 200 });
  });

  it("records password.changed once, without either password", async () => {
    const { id, token } = await createTestUser();
    await change(token);
    expect(await actionsOn(id)).toEqual(["user.created", "password.changed"]);
    const text = JSON.stringify(await auditOf(id));
    expect(text).not.toContain(PASSWORD);
    expect(text).not.toContain(NEW);
  });

  it("returns 401 invalid_credentials for a wrong current password, and changes nothing", async () => {
    const { id, username, token } = await createTestUser();
    expectProblem(
      await change(token, { current_password: "wrong password" }),
      401,
      "invalid_credentials",
    );
    expect(await statusOfLogin(username, PASSWORD)).toBe(200);
    expect(await actionsOn(id)).toEqual(["user.created", "auth.login_failed"]);
  });

  it("refuses even the right current password after ten wrong ones in a session, and only there", async () => {
    const { username, token } = await createTestUser();
    const { token: elsewhere } = await logIn(username);
    for (let i = 0; i < 10; i += 1) await change(token, { current_password: "wrong password" });
    const locked = await change(token);
    expectProblem(locked, 429, "too_many_attempts");
    expect(locked.headers.get("Retry-After")).toMatch(/^\d+$/);
    expect(await statusOfLogin(username, PASSWORD)).toBe(200);
    expect((await change(elsewhere)).status).toBe(204);
  });

  it("records ten wrong ones as a locked session, and tells the owner what that means", async () => {
    const box = createMailbox();
    const { id, token, email } = await createVerifiedMailUser(box);
    const wrong = { current_password: "wrong password" };
    for (let i = 0; i < 10; i += 1) await change(token, wrong, box.bindings);
    const event = { action: "auth.locked_out", metadata: { locked: "session" } };
    expect((await auditOf(id)).at(-1)).toMatchObject(event);
    expect(box.subjectsTo(email).at(-1)).toBe(
      "Too many wrong passwords in a session of your account",
    );
    expect(box.subjectsTo(email)).not.toContain("Your account is temporarily locked");
  });

  it("is not refused because strangers have locked the account", async () => {
    const { username, token } = await createTestUser();
    for (let i = 0; i < 10; i += 1) await statusOfLogin(username, "wrong password");
    expect(await statusOfLogin(username, PASSWORD)).toBe(429);
    expect((await change(token)).status).toBe(204);
  });

  it("lets one of two concurrent changes succeed", async () => {
    const { id, username, token } = await createTestUser();
    const passwords = ["first pass phrase", "second pass phrase"];
    const answers = await Promise.all(
      passwords.map((new_password) => change(token, { new_password })),
    );
    const changed = passwords.filter((_, i) => answers[i]?.status === 204);
    expect(changed.length).toBeGreaterThanOrEqual(1);
    const works = await Promise.all(passwords.map((password) => statusOfLogin(username, password)));
    expect(works.filter((status) => status === 200)).toHaveLength(1);
    const events = (await actionsOn(id)).filter((action) => action === "password.changed");
    expect(events).toHaveLength(changed.length);
  });

  it("changes nothing if the session ends while the passwords are hashed", async () => {
    const { id, username, token } = await createTestUser();
    const endSession = () => sqlRun("UPDATE sessions SET revoked_at = 1 WHERE user_id = ?", id);
    const bindings = beforeStatement(/^update "users" set "password_hash"/, endSession);
    expectProblem(await change(token, {}, bindings), 401, "unauthenticated");
    expect(await statusOfLogin(username, PASSWORD)).toBe(200);
    expect(await actionsOn(id)).not.toContain("password.changed");
  });

  it.each([
    ["short", "too_short"],
    ["x".repeat(257), "too_long"],
    ["password1", "too_common"],
  ])("returns 422 for the new password %s, which violates a rule", async (new_password, code) => {
    const { token } = await createTestUser();
    const answer = await change(token, { new_password });
    expectProblem(answer, 422, "validation_failed");
    expect(faultsOf(answer)).toContain(`new_password ${code}`);
  });

  it("returns 422 for a new password that contains the username or the email's local part", async () => {
    const account = newAccount({ username: "longish-name", email: "mailbox-name@example.com" });
    await send("/v1/auth/register", { body: account });
    const { token } = await logIn("longish-name");
    const attempts = [
      ["my LONGISH-name 1", "contains_username"],
      ["my mailbox-name 1", "contains_email"],
    ];
    for (const [new_password, code] of attempts) {
      expect(faultsOf(await change(token, { new_password }))).toEqual([`new_password ${code}`]);
    }
  });

  it("returns 401 without a token, and 422 naming each missing or unknown field", async () => {
    const body = { current_password: PASSWORD, new_password: NEW };
    expectProblem(await send("/v1/auth/password/change", { body }), 401, "unauthenticated");
    const { token } = await createTestUser();
    const answer = await send("/v1/auth/password/change", { token, body: { password: "x" } });
    expect(faultsOf(answer)).toEqual([
      "current_password required",
      "new_password required",
      "password unknown_field",
    ]);
  });
});

describe("BREACHED_PASSWORD_CHECK=on", () => {
  // The SHA-1 of "another pass phrase" is looked up by its first five digits only.
  const bindings = {
    ...env,
    BREACHED_PASSWORD_CHECK: "on",
    BREACHED_PASSWORD_URL: "https://breach.test/range/",
  } as typeof env;

  async function sha1(text: string): Promise<string> {
    const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text));
    return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"))
      .join("")
      .toUpperCase();
  }

  function answerRange(respond: () => Response) {
    return vi.spyOn(globalThis, "fetch").mockImplementation(async () => respond());
  }

  it("refuses a breached password, sending the service only five hex digits", async () => {
    const hash = await sha1(NEW);
    const service = answerRange(() => new Response(`${"0".repeat(35)}:2\r\n${hash.slice(5)}:7`));
    const answer = await send("/v1/auth/register", {
      body: newAccount({ password: NEW }),
      bindings,
    });
    expect(faultsOf(answer)).toEqual(["password breached"]);
    expect(String(service.mock.calls[0]?.[0])).toBe(
      `https://breach.test/range/${hash.slice(0, 5)}`,
    );
    const { token } = await createTestUser();
    expect(faultsOf(await change(token, {}, bindings))).toEqual(["new_password breached"]);
  });

  it("accepts a password that is not listed, or listed only as padding", async () => {
    const hash = await sha1(NEW);
    answerRange(() => new Response(`${hash.slice(5)}:0\r\n${"F".repeat(35)}:9`));
    const answer = await send("/v1/auth/register", {
      body: newAccount({ password: NEW }),
      bindings,
    });
    expect(answer.status).toBe(201);
  });

  it.each([
    ["returns 500", () => new Response("down", { status: 500 })],
    [
      "does not respond",
      () => {
        throw new Error("connection refused");
      },
    ],
  ])(
    "accepts the password if the service %s, and logs a warning without it",
    async (_, respond) => {
      answerRange(respond);
      const logs = captureLogs();
      const answer = await send("/v1/auth/register", {
        body: newAccount({ password: NEW }),
        bindings,
      });
      expect(answer.status).toBe(201);
      expect(logs.of("password.breach_check_failed")).toHaveLength(1);
      expect(logs.text()).not.toContain(NEW);
    },
  );
});
