import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import worker from "../../src/index.ts";
import { send } from "../support/api.ts";
import { createTestUser, PASSWORD } from "../support/fixtures.ts";

/** Logs in with only the given headers and `cf`, and returns the session. */
async function sessionOf(init: { headers?: Record<string, string>; cf?: { country: unknown } }) {
  const { username } = await createTestUser();
  const context = createExecutionContext();
  const request = new Request<unknown, IncomingRequestCfProperties>(
    "https://roster.test/v1/auth/login",
    {
      method: "POST",
      headers: { "Content-Type": "application/json", ...init.headers },
      body: JSON.stringify({ username, password: PASSWORD }),
      ...(init.cf && { cf: init.cf as IncomingRequestCfProperties }),
    },
  );
  const response = await worker.fetch(request, env, context);
  const tokens = (await response.json()) as { access_token: string };
  await waitOnExecutionContext(context);
  return (await send("/v1/auth/me", { token: tokens.access_token })).body.session;
}

describe("the origin of a session", () => {
  it("is the address, country and user agent that Cloudflare reports", async () => {
    const headers = { "CF-Connecting-IP": "2001:db8::7", "User-Agent": "curl/8" };
    const session = await sessionOf({ headers, cf: { country: "CH" } });
    expect(session).toMatchObject({ ip: "2001:db8::7", country: "CH", user_agent: "curl/8" });
  });

  it("is unknown if Cloudflare reports none, whatever other headers contain", async () => {
    const headers = {
      "X-Forwarded-For": "192.0.2.1",
      "X-Real-IP": "192.0.2.1",
      "True-Client-IP": "192.0.2.1",
      Forwarded: "for=192.0.2.1",
      "CF-IPCountry": "XX",
    };
    const session = await sessionOf({ headers, cf: { country: 7 } });
    expect(session).toMatchObject({ ip: null, country: null });
  });
});
