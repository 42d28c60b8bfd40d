// npm run test:smoke: runs `npm run smoke` against a new worker, with open and closed registration, and against servers that are
// broken. Prints one line per step and stops at the first failure.
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient } from "./client.ts";
import { runScript } from "./run-script.ts";
import { type DevServer, withDevServer } from "./server.ts";
import { type Change, closeRegistration, FAULTS, sendMail } from "./smoke/faults.ts";

const SETTINGS = { RATE_LIMIT_AUTH: "0", MAIL_TRANSPORT: "off", PASSWORD_ITERATIONS: "1000" };

await withDevServer(async (server) => {
  await checkWorking(server);
  await checkAdmin(server);
  await checkBroken(server);
  await checkSkipped(server);
}, SETTINGS);
await checkNothing();

async function checkWorking(server: DevServer): Promise<void> {
  const client = await createClient(server.url, server.admin);
  const before = await client.listUsers();
  const { code, output } = await smoke([server.url]);
  assert.equal(code, 0, output);
  for (const line of [
    /^ok {3}health: version \d+\.\d+\.\d+$/m,
    /^ok {3}ready: d1 ok, kv ok, mail off, data_keys ok$/m,
    /^ok {3}keys: 1 public$/m,
    /^ok {3}openapi: \d{2,} paths$/m,
    /^ok {3}account: registered, logged in, refreshed, logged out, deleted/m,
    /^http:\S+ works\.$/m,
  ]) {
    assert.match(output, line);
  }
  assert.deepEqual(await client.listUsers(), before, "the account is gone");
  report("a service that works → every check passes, and the account is deleted again");
}

async function checkAdmin({ url, admin }: DevServer): Promise<void> {
  const good = await smoke([url, "--admin", admin.username], admin.password);
  assert.match(good.output, /^ok {3}administrator: logged in, read users and the audit trail/m);
  const bad = await smoke([url, "--admin", admin.username], "a wrong guess");
  assert.equal(bad.code, 1);
  assert.match(bad.output, /^FAIL administrator: 401 instead of 200: invalid_credentials/m);
  for (const { output } of [good, bad]) {
    assert.ok(!output.includes(admin.password) && !output.includes("a wrong guess"));
  }
  report("--admin → the login of an administrator is tried, without showing the password");
}

/** Runs the script against the worker behind a proxy that breaks one thing at a time. */
async function checkBroken({ url }: DevServer): Promise<void> {
  for (const [what, change, expected] of FAULTS) {
    const { code, output } = await withChange(url, change, (proxy) => smoke([proxy]));
    assert.equal(code, 1, what);
    assert.match(output, expected, what);
    assert.match(output, /^error: http:\S+ has failed \d of the checks\.$/m);
  }
  report(`a broken service (${FAULTS.length} ways) → the check that fails says what to do`);
}

/** Runs `work` with the address of a proxy that changes what the worker replies. */
function withChange<T>(url: string, change: Change, work: (proxy: string) => Promise<T>) {
  return withServer((request, response) => void passOn(url, request, response, change), work);
}

async function passOn(
  url: string,
  request: IncomingMessage,
  response: ServerResponse,
  change: Change,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { host: _host, connection: _connection, ...headers } = request.headers;
  const answer = await fetch(url + request.url, {
    method: request.method ?? "GET",
    headers: headers as Record<string, string>,
    redirect: "manual",
    ...(chunks.length > 0 && { body: Buffer.concat(chunks) }),
  });
  const text = await answer.text();
  const reply = { status: answer.status, headers: new Headers(answer.headers), text };
  change(request.url ?? "", reply);
  for (const name of ["Content-Encoding", "Content-Length", "Transfer-Encoding"])
    reply.headers.delete(name);
  response.writeHead(reply.status, Object.fromEntries(reply.headers));
  response.end(reply.text);
}

async function checkSkipped({ url }: DevServer): Promise<void> {
  const withMail = await withChange(url, sendMail, (proxy) => smoke([proxy]));
  assert.equal(withMail.code, 0, withMail.output);
  assert.match(withMail.output, /^skip account: registration sends an email\. Add --email/m);
  const closed = await withChange(url, closeRegistration, (proxy) =>
    smoke([proxy, "--email", "ada@acme.dev"]),
  );
  assert.equal(closed.code, 0, closed.output);
  assert.match(closed.output, /^skip account: registration is closed\. With --admin/m);
  report("closed registration, or email to a made-up address → skipped, with words");
}

async function checkNothing(): Promise<void> {
  const port = await withServer(
    () => undefined,
    async (url) => new URL(url).port,
  );
  const { code, output } = await smoke([`http://127.0.0.1:${port}`]);
  assert.equal(code, 1);
  assert.match(output, /^FAIL health: nothing answers \(.*Is the address right/m);
  assert.doesNotMatch(output, /ready/, "the rest is not tried");
  assert.match((await smoke(["localhost"])).output, /^error: Usage:/);
  report("no service at the address → one failure that says so");
}

async function withServer<T>(
  listener: (request: IncomingMessage, response: ServerResponse) => void,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

function smoke(args: readonly string[], input = "") {
  return runScript("scripts/smoke.ts", args, { input });
}

function report(text: string): void {
  console.log(`ok  ${text}`);
}
