import { randomBytes } from "node:crypto";
import { base64url } from "jose";
import {
  expectStatus,
  type Reply,
  SmokeFailure,
  type Subject,
  send,
  verifyToken,
} from "./smoke-checks.ts";

interface Account {
  username: string;
  email: string;
  password: string;
}

/** Why an account could not be tried. It is no failure. */
export class Skipped extends Error {}

/**
 * Registers an account, logs in, reads it, refreshes, logs out and deletes it. Throws `Skipped` where registration is closed, or where
 * it would send email and there is no address for it. Returns what was done.
 */
export async function tryAccount(subject: Subject, email: string | undefined): Promise<string> {
  const account = await createAccount(subject, email);
  const registered = await send(subject, "/v1/auth/register", { method: "POST", body: account });
  if (registered.body?.code === "registration_closed") {
    throw new Skipped("registration is closed. With --admin, an administrator's login is tried.");
  }
  expectStatus(registered, 201);
  try {
    return await useAccount(subject, account);
  } catch (error) {
    if (!(error instanceof SmokeFailure)) throw error;
    throw new SmokeFailure(
      `${error.message} The account ${account.username} may remain: delete it.`,
    );
  }
}

async function useAccount(subject: Subject, account: Account): Promise<string> {
  const first = await logIn(subject, account);
  const issuer = await verifyToken(subject, first.access);
  const me = await send(subject, "/v1/users/me", { token: first.access });
  expectStatus(me, 200);
  if (me.body.username !== account.username)
    throw new SmokeFailure("/v1/users/me is someone else!");
  const second = await refresh(subject, first.refresh);
  const out = await send(subject, "/v1/auth/logout", { method: "POST", token: second.access });
  expectStatus(out, 204);
  expectStatus(
    await send(subject, "/v1/users/me", { token: second.access }),
    401,
    "The logout did not end the session.",
  );
  const last = await logIn(subject, account);
  const path = `/v1/users/${me.body.id}`;
  expectStatus(await send(subject, path, { method: "DELETE", token: last.access }), 204);
  expectStatus(
    await send(subject, "/v1/users/me", { token: last.access }),
    401,
    "The deleted account can still be used.",
  );
  return `registered, logged in, refreshed, logged out, deleted; tokens are issued by ${issuer}`;
}

/** Logs an administrator in, reads a page of users and of the audit trail, and logs out. */
export async function tryAdmin(
  subject: Subject,
  login: Pick<Account, "username" | "password">,
): Promise<string> {
  const reply = await send(subject, "/v1/auth/login", { method: "POST", body: login });
  if (reply.body?.code === "mfa_required") {
    throw new Skipped(`${login.username} has a second factor, which this script does not.`);
  }
  const { access } = readTokens(reply);
  for (const path of ["/v1/users?limit=1", "/v1/audit-events?limit=1"]) {
    expectStatus(
      await send(subject, path, { token: access }),
      200,
      `Is ${login.username} an administrator?`,
    );
  }
  expectStatus(await send(subject, "/v1/auth/logout", { method: "POST", token: access }), 204);
  return "logged in, read users and the audit trail, logged out";
}

async function createAccount(subject: Subject, email: string | undefined): Promise<Account> {
  const ready = await send(subject, "/ready");
  const sendsMail = ready.body?.checks?.mail?.status !== "off";
  if (sendsMail && email === undefined) {
    throw new Skipped(
      "registration sends an email. Add --email you@yourdomain, which gets it at you+smoke-…@yourdomain.",
    );
  }
  const username = `smoke-${base64url
    .encode(randomBytes(9))
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, "0")}`;
  const [local, domain] = (email ?? "smoke@roster.invalid").split("@");
  const password = base64url.encode(randomBytes(18));
  return { username, email: `${local}+${username}@${domain}`, password };
}

async function logIn(subject: Subject, { username, password }: Account) {
  const body = { username, password };
  const reply = await send(subject, "/v1/auth/login", { method: "POST", body });
  if (reply.body?.code === "email_not_verified") {
    throw new Skipped(
      `logins need a verified address. The account ${username} remains: delete it.`,
    );
  }
  return readTokens(reply);
}

async function refresh(subject: Subject, refresh_token: string) {
  const body = { refresh_token };
  return readTokens(await send(subject, "/v1/auth/refresh", { method: "POST", body }));
}

function readTokens(reply: Reply): { access: string; refresh: string } {
  expectStatus(reply, 200);
  const { access_token: access, refresh_token } = reply.body;
  return { access, refresh: refresh_token };
}
