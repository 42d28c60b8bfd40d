// npm run test:mail: the life of an account over real HTTP, against a new worker. Mail is read from the files to which
// wrangler's local simulation of the `send_email` binding writes it. Prints one line per step and stops at the first failure.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { type Client, createClient } from "./client.ts";
import { type DevServer, withDevServer } from "./server.ts";

const SIMULATED_MAIL = /^To: (?<to>.+)\nSubject: (?<subject>.+)\n[\s\S]*?^Text: (?<path>.+)$/gm;
const TIMEOUT_MS = 10_000;
const POLL_MS = 100;

const PASSWORD = "a fine secret for mail";
const NEW_PASSWORD = "another pass phrase";
const REUSED = { username: "ada", email: "ada@example.com" };
const MINUTELY = "/cdn-cgi/handler/scheduled?cron=*+*+*+*+*";
const HOURLY = "/cdn-cgi/handler/scheduled?cron=17+*+*+*+*";

await withDevServer(
  async (server) => {
    const client = await createClient(server.url, server.admin);
    await verifyAddress(client, server);
    await resetPassword(client, server);
    await changeAddress(client, server);
    await deleteAndRestore(client);
    await erase(client, server);
    await runCrons(server);
  },
  { RATE_LIMIT_AUTH: "0" },
);

async function verifyAddress(client: Client, server: DevServer): Promise<void> {
  const { status } = await client.post("/v1/auth/register", { ...REUSED, password: PASSWORD });
  assert.equal(status, 201, "registration");
  const text = await readMail(server, REUSED.email, "Confirm your email address");
  const token = tokenIn(text, `${server.url}/verify-email#token=`);
  const verified = await client.post("/v1/auth/email/verify", { token });
  assert.equal(verified.status, 200, "verification with the link's token");
  assert.equal(String(verified.body.email_verified), "true");
  const again = await client.post("/v1/auth/email/verify", { token });
  assert.equal(again.body.code, "invalid_token", "a second use");
  report("register → the mail arrives → its token verifies the address, once");
}

async function resetPassword(client: Client, server: DevServer): Promise<void> {
  const old = await client.logIn({ username: REUSED.username, password: PASSWORD });
  const forgot = await client.post("/v1/auth/password/forgot", { email: REUSED.email });
  const stranger = await client.post("/v1/auth/password/forgot", { email: "nobody@example.com" });
  assert.deepEqual([forgot.status, stranger.status], [202, 202]);
  const text = await readMail(server, REUSED.email, "Reset your password");
  const token = tokenIn(text, `${server.url}/reset-password#token=`);
  const reset = await client.post("/v1/auth/password/reset", { token, password: NEW_PASSWORD });
  assert.equal(reset.status, 204, "reset");
  const login = { username: REUSED.username, password: PASSWORD };
  assert.equal((await client.post("/v1/auth/login", login)).status, 401, "the old password");
  assert.equal((await client.refresh(old.refreshToken)).status, 401, "the old refresh token");
  const write = await client.patch("/v1/users/me", { first_name: "Mallory" }, old.token);
  assert.equal(write.status, 401, "the old access token");
  await client.logIn({ ...login, password: NEW_PASSWORD });
  await readMail(server, REUSED.email, "Your password was changed");
  report("forgot → reset → the old password and session stop working, and the owner is notified");
}

async function changeAddress(client: Client, server: DevServer): Promise<void> {
  const { token } = await client.logIn({ username: REUSED.username, password: NEW_PASSWORD });
  const email = "countess@example.com";
  const body = { email, current_password: NEW_PASSWORD };
  assert.equal((await client.post("/v1/auth/email/change", body, token)).status, 202);
  await readMail(server, REUSED.email, "Your email address is about to change");
  const text = await readMail(server, email, "Confirm your new email address");
  const link = tokenIn(text, `${server.url}/verify-email#token=`);
  const verified = await client.post("/v1/auth/email/verify", { token: link });
  assert.deepEqual([verified.status, verified.body.email], [200, email]);
  report("email change → the new address confirms, the old one is notified");
}

async function deleteAndRestore(client: Client): Promise<void> {
  const user = await client.logIn({ username: REUSED.username, password: NEW_PASSWORD });
  const { token } = client.admin;
  assert.equal((await client.delete(`/v1/users/${user.id}`, token)).status, 204, "deletion");
  assert.equal(
    (await client.get("/v1/users/me", user.token)).status,
    401,
    "the session of a deleted user",
  );
  assert.equal((await client.get(`/v1/users/${user.id}`, token)).status, 404, "a deleted user");
  const restored = await client.post(`/v1/users/${user.id}/restore`, undefined, token);
  assert.equal(restored.status, 200, "restoration");
  assert.equal(
    (await client.refresh(user.refreshToken)).status,
    401,
    "a session from before the deletion",
  );
  await client.logIn({ username: REUSED.username, password: NEW_PASSWORD });
  report("delete → not found, restore → available again, without sessions");
}

async function erase(client: Client, server: DevServer): Promise<void> {
  const user = await client.logIn({ username: REUSED.username, password: NEW_PASSWORD });
  const { token } = client.admin;
  const erased = await client.post(`/v1/users/${user.id}/erase`, undefined, token);
  assert.equal(erased.status, 204, "erasure");
  for (const path of ["", "?deleted=true", "/export"]) {
    const { status } = await client.get(`/v1/users/${user.id}${path}`, token);
    assert.equal(status, 404, `GET …${path} of an erased user`);
  }
  assert.equal(
    (await client.get("/v1/users/me", user.token)).status,
    401,
    "the session of an erased user",
  );
  const logs = server.readOutput().split("\n");
  const lines = logs.filter((line) => line.startsWith("{"));
  assert.ok(lines.length > 0 && !lines.some((line) => line.includes("@")), "an address in a log");
  const again = await client.post("/v1/auth/register", { ...REUSED, password: PASSWORD });
  assert.equal(again.status, 201, "registration with the erased user's names");
  report("erase → not found, absent from the log, and the names are free");
}

async function runCrons({ url, readOutput }: DevServer): Promise<void> {
  for (const path of [MINUTELY, HOURLY]) {
    assert.equal((await fetch(url + path)).status, 200, path);
  }
  await until("the scheduled jobs", () => readOutput().includes('"job":"purge_deleted_users"'));
  assert.ok(!readOutput().includes("cron.job_failed"), "a job failed");
  report("both schedules, triggered as the welcome message says, run their jobs");
}

/** The text of the latest mail to an address with this subject. */
async function readMail({ readOutput }: DevServer, to: string, subject: string): Promise<string> {
  const find = () =>
    [...readOutput().matchAll(SIMULATED_MAIL)]
      .map(({ groups }) => groups)
      .findLast((mail) => mail?.to === to && mail.subject === subject)?.path;
  return readFileSync(await until(`“${subject}” to ${to}`, find), "utf8");
}

function tokenIn(text: string, link: string): string {
  const [, rest = ""] = text.split(link);
  const token = rest.split(/\s/)[0] ?? "";
  assert.match(token, /^rot_[\w-]{43}$/, `no link in:\n${text}`);
  return token;
}

async function until<T>(what: string, find: () => T | undefined | false): Promise<T> {
  for (let waited = 0; waited < TIMEOUT_MS; waited += POLL_MS) {
    const found = find();
    if (found) return found;
    await setTimeout(POLL_MS);
  }
  throw new Error(`timed out waiting for ${what}`);
}

function report(line: string): void {
  console.log(`ok    ${line}`);
}
