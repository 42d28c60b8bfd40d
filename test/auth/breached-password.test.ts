import { describe, expect, it, vi } from "vitest";
import { send } from "../support/api.ts";
import { createTestUser, newAccount, PASSWORD } from "../support/fixtures.ts";
import { isolate } from "../support/isolates.ts";
import { catchLogs } from "../support/logs.ts";
import { faultsOf } from "../support/problems.ts";

const BREACHED = "password seen elsewhere";
/** SHA-1 of it in hex, in two parts: what may leave the service and what may not. */
const [PREFIX, SUFFIX] = await splitSha1(BREACHED);

async function splitSha1(text: string): Promise<[string, string]> {
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text));
  const bytes = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"));
  const hex = bytes.join("").toUpperCase();
  return [hex.slice(0, 5), hex.slice(5)];
}

const checking = (settings = {}) => isolate({ BREACHED_PASSWORD_CHECK: "on", ...settings });

function answer(respond: (request: Request) => Response | Promise<Response>) {
  return vi
    .spyOn(globalThis, "fetch")
    .mockImplementation(async (input, init) => respond(new Request(input as string, init)));
}

const register = (password: string, bindings = checking()) =>
  send("/v1/auth/register", { body: newAccount({ password }), bindings });

describe("the check of breached passwords", () => {
  it("is off unless it is switched on: nobody is asked", async () => {
    const service = answer(() => new Response(`${SUFFIX}:9`));
    expect((await register(BREACHED, isolate())).status).toBe(201);
    expect(service).not.toHaveBeenCalled();
  });

  it("sends five hex digits of a SHA-1 and nothing of the rest, of the password or of its owner", async () => {
    const sent: Request[] = [];
    answer((request) => {
      sent.push(request);
      return new Response(`${SUFFIX}:1`);
    });
    expect(faultsOf(await register(BREACHED))).toEqual(["password breached"]);
    expect(sent.map(({ method, url }) => `${method} ${url}`)).toEqual([
      `GET https://api.pwnedpasswords.com/range/${PREFIX}`,
    ]);
    expect(sent[0]?.body).toBeNull();
    expect([...(sent[0]?.headers ?? [])]).toEqual([["add-padding", "true"]]);
  });

  it.each(["https://breach.test/range/", "https://breach.test/range"])(
    "asks %s, with or without a slash at its end",
    async (BREACHED_PASSWORD_URL) => {
      const service = answer(() => new Response(`${SUFFIX}:1`));
      await register(BREACHED, checking({ BREACHED_PASSWORD_URL }));
      expect(String(service.mock.calls[0]?.[0])).toBe(`https://breach.test/range/${PREFIX}`);
    },
  );

  it.each([
    ["padding of count 0", `${SUFFIX}:0`, 201],
    ["a count of 10", `${SUFFIX}:10`, 422],
    ["the last line, without a line break", `${"0".repeat(35)}:3\r\n${SUFFIX}:1`, 422],
    ["lines ended by LF alone", `${SUFFIX}:1\n${"F".repeat(35)}:3`, 422],
    ["other hashes alone", `${"0".repeat(35)}:3\r\n${"F".repeat(35)}:3`, 201],
    ["nothing", "", 201],
  ])("reads %s right", async (_, text, status) => {
    answer(() => new Response(text));
    expect((await register(BREACHED)).status).toBe(status);
  });

  it("is not made of what other rules refuse already", async () => {
    const service = answer(() => new Response(""));
    expect(faultsOf(await register("password123"))).toEqual(["password too_common"]);
    expect(faultsOf(await register("short"))).toEqual(["password too_short"]);
    expect(service).not.toHaveBeenCalled();
  });

  it("is made of a changed password, and not of the current one", async () => {
    const { token } = await createTestUser();
    const service = answer(() => new Response(`${SUFFIX}:1`));
    const change = await send("/v1/auth/password/change", {
      token,
      body: { current_password: PASSWORD, new_password: BREACHED },
      bindings: checking(),
    });
    expect(faultsOf(change)).toEqual(["new_password breached"]);
    expect(service).toHaveBeenCalledTimes(1);
  });

  const SILENCES: [string, (request: Request) => Response | Promise<Response>][] = [
    ["answers 503", () => new Response("down", { status: 503 })],
    ["answers 404", () => new Response("gone", { status: 404 })],
    ["answers 429", () => new Response("slow down", { status: 429 })],
    [
      "cannot be reached",
      () => {
        throw new TypeError("connection refused");
      },
    ],
    [
      "breaks off in the middle",
      () =>
        new Response(
          new ReadableStream({ start: (controller) => controller.error(new Error("reset")) }),
        ),
    ],
    ["does not answer in time", ({ signal }) => Promise.reject(signal.reason ?? new Error())],
  ];
  it.each(SILENCES)("takes the password and logs it when the service %s", async (_, respond) => {
    answer(respond);
    const logs = catchLogs();
    expect((await register(BREACHED)).status).toBe(201);
    const lines = logs.of("password.breach_check_failed");
    expect(lines.map(({ level }) => level)).toEqual(["warn"]);
    expect(logs.text()).not.toContain(BREACHED);
    expect(logs.text()).not.toContain(SUFFIX);
  });

  it("waits two seconds for an answer and no longer", async () => {
    const timeout = vi.spyOn(AbortSignal, "timeout");
    const service = answer(() => new Response(""));
    await register(BREACHED);
    expect(timeout).toHaveBeenCalledWith(2000);
    expect(service.mock.calls[0]?.[1]?.signal).toBe(timeout.mock.results[0]?.value);
  });
});
