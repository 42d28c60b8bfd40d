import { describe, expect, it, vi } from "vitest";
import { send } from "../support/api.ts";
import { createTestUser, newAccount, PASSWORD } from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import { faultsOf } from "../support/problems.ts";

const BREACHED = "password seen elsewhere";
/** The SHA-1 of the password in hex, in two parts: what may leave the service and what must not. */
const [PREFIX, SUFFIX] = await splitSha1(BREACHED);

async function splitSha1(text: string): Promise<[string, string]> {
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text));
  const bytes = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"));
  const hex = bytes.join("").toUpperCase();
  return [hex.slice(0, 5), hex.slice(5)];
}

const withBreachCheck = (settings = {}) =>
  createIsolate({ BREACHED_PASSWORD_CHECK: "on", ...settings });

function mockService(respond: (request: Request) => Response | Promise<Response>) {
  return vi
    .spyOn(globalThis, "fetch")
    .mockImplementation(async (input, init) => respond(new Request(input as string, init)));
}

const register = (password: string, bindings = withBreachCheck()) =>
  send("/v1/auth/register", { body: newAccount({ password }), bindings });

describe("the breached-password check", () => {
  it("is off by default and sends no request", async () => {
    const service = mockService(() => new Response(`${SUFFIX}:9`));
    expect((await register(BREACHED, createIsolate())).status).toBe(201);
    expect(service).not.toHaveBeenCalled();
  });

  it("sends only the first five hex digits of the SHA-1, the request id and the trace", async () => {
    const sent: Request[] = [];
    mockService((request) => {
      sent.push(request);
      return new Response(`${SUFFIX}:1`);
    });
    const refused = await register(BREACHED);
    expect(faultsOf(refused)).toEqual(["password breached"]);
    expect(sent.map(({ method, url }) => `${method} ${url}`)).toEqual([
      `GET https://api.pwnedpasswords.com/range/${PREFIX}`,
    ]);
    expect(sent[0]?.body).toBeNull();
    expect([...(sent[0]?.headers ?? [])]).toEqual([
      ["add-padding", "true"],
      ["traceparent", expect.stringMatching(/^00-/)],
      ["x-request-id", refused.body.request_id],
    ]);
  });

  it.each(["https://breach.test/range/", "https://breach.test/range"])(
    "calls %s, with or without a trailing slash",
    async (BREACHED_PASSWORD_URL) => {
      const service = mockService(() => new Response(`${SUFFIX}:1`));
      await register(BREACHED, withBreachCheck({ BREACHED_PASSWORD_URL }));
      expect(String(service.mock.calls[0]?.[0])).toBe(`https://breach.test/range/${PREFIX}`);
    },
  );

  it.each([
    ["padding with count 0", `${SUFFIX}:0`, 201],
    ["a count of 10", `${SUFFIX}:10`, 422],
    ["the last line, without a line break", `${"0".repeat(35)}:3\r\n${SUFFIX}:1`, 422],
    ["lines that end with LF only", `${SUFFIX}:1\n${"F".repeat(35)}:3`, 422],
    ["only other hashes", `${"0".repeat(35)}:3\r\n${"F".repeat(35)}:3`, 201],
    ["nothing", "", 201],
  ])("reads %s correctly", async (_, text, status) => {
    mockService(() => new Response(text));
    expect((await register(BREACHED)).status).toBe(status);
  });

  it("is skipped for passwords that other rules refuse", async () => {
    const service = mockService(() => new Response(""));
    expect(faultsOf(await register("password123"))).toEqual(["password too_common"]);
    expect(faultsOf(await register("short"))).toEqual(["password too_short"]);
    expect(service).not.toHaveBeenCalled();
  });

  it("checks the new password of a change, not the current one", async () => {
    const { token } = await createTestUser();
    const service = mockService(() => new Response(`${SUFFIX}:1`));
    const change = await send("/v1/auth/password/change", {
      token,
      body: { current_password: PASSWORD, new_password: BREACHED },
      bindings: withBreachCheck(),
    });
    expect(faultsOf(change)).toEqual(["new_password breached"]);
    expect(service).toHaveBeenCalledTimes(1);
  });

  const OUTAGES: [string, (request: Request) => Response | Promise<Response>][] = [
    ["returns 503", () => new Response("down", { status: 503 })],
    ["returns 404", () => new Response("gone", { status: 404 })],
    ["returns 429", () => new Response("slow down", { status: 429 })],
    [
      "is unreachable",
      () => {
        throw new TypeError("connection refused");
      },
    ],
    [
      "closes the connection mid-response",
      () =>
        new Response(
          new ReadableStream({ start: (controller) => controller.error(new Error("reset")) }),
        ),
    ],
    ["times out", ({ signal }) => Promise.reject(signal.reason ?? new Error())],
  ];
  it.each(OUTAGES)(
    "accepts the password and logs a warning if the service %s",
    async (_, respond) => {
      mockService(respond);
      const logs = captureLogs();
      expect((await register(BREACHED)).status).toBe(201);
      const lines = logs.of("password.breach_check_failed");
      expect(lines.map(({ level }) => level)).toEqual(["warn"]);
      expect(logs.text()).not.toContain(BREACHED);
      expect(logs.text()).not.toContain(SUFFIX);
    },
  );

  it("waits at most two seconds for a response", async () => {
    const timeout = vi.spyOn(AbortSignal, "timeout");
    const service = mockService(() => new Response(""));
    await register(BREACHED);
    expect(timeout).toHaveBeenCalledWith(2000);
    expect(service.mock.calls[0]?.[1]?.signal).toBe(timeout.mock.results[0]?.value);
  });
});
