// npm run test:bodies: sends requests that are answered before their body was read, and bodies that cannot be read, over raw
// sockets. Fails if the connection is then neither usable nor closed properly, or if the worker logs an error.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { withDevServer } from "./server.ts";

const ROUNDS = 30;
const CHUNK = "x".repeat(4096);
const PIECE = 8192;
const TIMEOUT_MS = 10_000;
const LIMITS_OFF = { RATE_LIMIT_AUTH: "0", RATE_LIMIT_READ: "0", RATE_LIMIT_WRITE: "0" };

const head = (method: string, path: string, length: string) =>
  `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${length}\r\n\r\n`;
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;
const chunked = (method: string, path: string, count: number) =>
  `${head(method, path, "Transfer-Encoding: chunked")}${chunk(CHUNK).repeat(count)}0\r\n\r\n`;
const sized = (method: string, path: string, bytes: number) =>
  head(method, path, `Content-Length: ${bytes}`) + "x".repeat(bytes);
const NEXT = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

const UNREAD = [
  ["413 in chunks", 413, chunked("POST", "/v1/auth/register", 20)],
  ["413 in many chunks", 413, chunked("POST", "/v1/auth/register", 200)],
  ["413 with a length", 413, sized("POST", "/v1/auth/register", 80_000)],
  [
    "413 with a length that an import may not have",
    413,
    sized("POST", "/v1/auth/register", 2_000_000),
  ],
  ["401 in chunks", 401, chunked("POST", "/v1/users", 40)],
  ["401 with a length", 401, sized("POST", "/v1/users", 200_000)],
  ["404 in chunks", 404, chunked("POST", "/v1/nothing", 40)],
  ["405 in chunks", 405, chunked("PUT", "/v1/auth/me", 40)],
] as const;

const UNREADABLE = [
  ["a chunk size that is no number", `zz\r\n{}\r\n0\r\n\r\n`],
  ["a chunk that is longer than its size", `1\r\n{}\r\n0\r\n\r\n`],
  ["a chunk extension", `2;a=b\r\n{}\r\n0\r\n\r\n`],
] as const;

await withDevServer(async ({ url, readOutput }) => {
  const port = Number(new URL(url).port);
  for (const [name, status, request] of UNREAD) {
    for (let round = 0; round < ROUNDS; round += 1) {
      const socket = await open(port);
      assert.equal(await exchange(socket, request), status, name);
      assert.equal(await exchange(socket, NEXT), 200, `the request after ${name}`);
      socket.destroy();
    }
    assert.doesNotMatch(readOutput(), /dropped connection/, name);
    console.log(`${name}: the connection stays usable.`);
  }
  for (const [name, body] of UNREADABLE) {
    const socket = await open(port);
    const request = head("POST", "/v1/auth/register", "Transfer-Encoding: chunked") + body;
    const status = await exchange(socket, request);
    assert.ok(status >= 400 && status < 500, `${name} returned ${status}`);
    socket.destroy();
    console.log(`${name}: ${status}.`);
  }
  const socket = await open(port);
  socket.write(`${head("POST", "/v1/auth/register", "Content-Length: 100")}{`);
  await wait(100);
  socket.destroy();
  assert.equal(await exchange(await open(port), NEXT), 200);
  assert.doesNotMatch(readOutput(), /"event":"request\.failed"/);
  console.log("A client that hangs up is no error of the service.");
}, LIMITS_OFF);

async function open(port: number): Promise<Socket> {
  const socket = connect(port, "localhost");
  socket.setEncoding("latin1");
  await once(socket, "connect");
  return socket;
}

/** Sends a request and returns the status of its response, once it is complete. Fails if the connection ends before. */
async function exchange(socket: Socket, request: string): Promise<number> {
  let text = "";
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const onData = (data: string) => {
    text += data;
    const status = readStatus(text);
    if (status !== undefined) resolve(status);
  };
  const onEnd = () => reject(new Error(`the connection ended after ${JSON.stringify(text)}`));
  const timer = setTimeout(() => reject(new Error("no response")), TIMEOUT_MS);
  socket.on("data", onData).on("error", reject).on("close", onEnd);
  try {
    await sendSlowly(socket, request);
    return await promise;
  } finally {
    clearTimeout(timer);
    socket.off("data", onData).off("error", reject).off("close", onEnd);
    socket.on("error", () => undefined);
  }
}

// In pieces, so that the worker can answer before it has everything.
async function sendSlowly(socket: Socket, text: string): Promise<void> {
  for (let at = 0; at < text.length && !socket.destroyed; at += PIECE) {
    socket.write(text.slice(at, at + PIECE));
    if (text.length > PIECE) await wait(1);
  }
}

function readStatus(text: string): number | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const headers = text.slice(0, end);
  const body = text.slice(end + 4);
  const length = /^content-length: *(\d+)/im.exec(headers)?.[1];
  const isWhole = length ? body.length >= Number(length) : body.endsWith("0\r\n\r\n");
  return isWhole ? Number(/^HTTP\/1\.1 (\d+)/.exec(headers)?.[1]) : undefined;
}
