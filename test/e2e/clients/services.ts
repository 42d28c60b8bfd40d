import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { findFreePort } from "../server.ts";
import { readProgram } from "./readmes.ts";
import { createUser, importClient, PASSWORD, type Scene } from "./test.ts";

const SERVICES = ["hono", "express"];
const PERMISSION = "invoices:approve";
const START_TIMEOUT_MS = 20_000;

interface People {
  apiKey: string;
  /** The access token of someone who may approve invoices. */
  approver: string;
  other: string;
}

/** The examples of the READMEs as running services, with tokens of a real Roster. */
export async function testServices(scene: Scene): Promise<string> {
  const people = await prepare(scene);
  for (const name of SERVICES) {
    await withService(scene, { name, apiKey: people.apiKey }, async (url) => {
      await verifyTokens(url, people);
      await noticeLogout(scene, url);
    });
  }
  return "Hono and Express verify tokens and permissions, and by introspection notice a logout";
}

async function prepare(scene: Scene): Promise<People> {
  const { ok } = await importClient(scene);
  const { admin } = scene;
  const permission = { name: PERMISSION, description: "Approve invoices." };
  await ok(admin.POST("/v1/permissions", { body: permission }));
  await ok(admin.POST("/v1/roles", { body: { name: "approver", permissions: [PERMISSION] } }));
  const body = { name: "Billing", scopes: ["tokens:introspect"] as ["tokens:introspect"] };
  const { key } = await ok(admin.POST("/v1/api-keys", { body }));
  const approver = await logIn(scene, await createUser(scene, { role: "approver" }));
  const other = await logIn(scene, await createUser(scene));
  return { apiKey: key, approver: approver.accessToken, other: other.accessToken };
}

async function logIn(scene: Scene, username: string) {
  const { createRosterClient } = await importClient(scene);
  const client = createRosterClient({ baseUrl: scene.server.url });
  const login = await client.logIn({ username, password: PASSWORD });
  assert.ok(login.status === "logged_in");
  return { client, accessToken: login.session.accessToken, userId: login.session.userId };
}

async function verifyTokens(url: string, { apiKey, approver, other }: People): Promise<void> {
  const approve = (token?: string) => call(`${url}/invoices/7/approve`, "POST", token);
  assert.deepEqual(await approve(approver), { status: 200, body: { approved: "7" } });
  assert.deepEqual(await approve(other), {
    status: 403,
    code: "insufficient_scope",
    challenge: `Bearer error="insufficient_scope", scope="${PERMISSION}"`,
  });
  assert.deepEqual(await approve(), {
    status: 401,
    code: "unauthenticated",
    challenge: "Bearer",
  });
  const challenge = 'Bearer error="invalid_token"';
  const invalid = { status: 401, code: "invalid_token", challenge };
  assert.deepEqual(await approve(`${approver}x`), invalid);
  assert.deepEqual(await approve(apiKey), invalid);
  const { status } = await call(`${url}/invoices/mine`, "GET", other);
  assert.equal(status, 200);
}

/** Without introspection, the token is good until it expires. */
async function noticeLogout(scene: Scene, url: string): Promise<void> {
  const { client, accessToken, userId } = await logIn(scene, await createUser(scene));
  const pay = () => call(`${url}/payouts/today`, "POST", accessToken);
  const first = await logIn(scene, await createUser(scene));
  assert.equal((await call(`${url}/payouts/today`, "POST", first.accessToken)).status, 200);
  await client.logOut();
  assert.equal((await pay()).status, 401);
  const mine = await call(`${url}/invoices/mine`, "GET", accessToken);
  assert.deepEqual(mine, { status: 200, body: { owner: userId } });
}

async function call(url: string, method: string, token?: string) {
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const response = await fetch(url, { method, headers });
  const { status } = response;
  const body = (await response.json()) as { code?: string };
  if (response.ok) return { status, body };
  assert.match(response.headers.get("Content-Type") ?? "", /^application\/problem\+json/);
  return { status, code: body.code, challenge: response.headers.get("WWW-Authenticate") };
}

interface Service {
  name: string;
  apiKey: string;
}

async function withService(
  scene: Scene,
  { name, apiKey }: Service,
  work: (url: string) => Promise<void>,
): Promise<void> {
  const port = await findFreePort();
  const program = await readProgram(scene, name);
  const file = join(scene.folder, `${name}-service.ts`);
  await writeFile(file, program.replace("3000", String(port)));
  const child = spawn(process.execPath, [file], {
    stdio: "inherit",
    env: { ...process.env, ROSTER_API_KEY: apiKey },
  });
  try {
    const url = `http://localhost:${port}`;
    await waitUntilUp(child, url);
    await work(url);
  } finally {
    if (child.exitCode === null) {
      child.kill();
      await once(child, "exit");
    }
  }
}

async function waitUntilUp(child: ChildProcess, url: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer) return;
    assert.equal(child.exitCode, null, "The service has ended.");
    assert.ok(Date.now() < deadline, "The service does not start.");
    await setTimeout(50);
  }
}
