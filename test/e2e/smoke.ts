// npm run test:smoke: runs `npm run smoke` against a new worker, with open and closed registration, and against servers that are
// broken. Prints one line per step and stops at the first failure.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient } from "./client.ts";
import { type DevServer, ROOT, withDevServer } from "./server.ts";
import { type Change, FAULTS } from "./smoke/faults.ts";

const LIMITS_OFF = { RATE_LIMIT_AUTH: "0", MAIL_TRANSPORT: "off" };

await withDevServer(async (server) => {
  await checkWorking(server);
  await checkAdmin(server);
  await checkBroken(server);
}, LIMITS_OFF);
await withDevServer(checkClosed, { REGISTRATION: "closed" });
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
    const { code, output } = await withServer(
      (request, response) => void passOn(url, request, response, change),
      (proxy) => smoke([proxy]),
    );
    assert.equal(code, 1, what);
    assert.match(output, expected, what);
    assert.match(output, /^error: http:\S+ has failed \d of the checks\.$/m);
  }
  report(`a broken service (${FAULTS.length} ways) → the check that fails says what to do`);
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
  const reply = { status: answer.status, headers: answer.headers, text: await answer.text() };
  change(request.url ?? "", reply);
  for (const name of ["Content-Encoding", "Content-Length", "Transfer-Encoding"])
    reply.headers.delete(name);
  response.writeHead(reply.status, Object.fromEntries(reply.headers));
  response.end(reply.text);
}

async function checkClosed({ url }: DevServer): Promise<void> {
  const closed = await smoke([url]);
  assert.equal(closed.code, 0, closed.output);
  assert.match(closed.output, /^skip account: registration sends an email\. Add --email/m);
  const withAddress = await smoke([url, "--email", "ada@acme.dev"]);
  assert.equal(withAddress.code, 0, withAddress.output);
  assert.match(withAddress.output, /^skip account: registration is closed\. With --admin/m);
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

async function smoke(args: readonly string[], input = "") {
  const child = spawn(process.execPath, ["scripts/smoke.ts", ...args], { cwd: ROOT });
  child.stdin.end(input);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const code = await new Promise((resolve) => child.on("close", resolve));
  return { code, output };
}

function report(text: string): void {
  console.log(`ok  ${text}`);
}
