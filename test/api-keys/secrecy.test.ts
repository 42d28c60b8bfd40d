import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { mintApiKey } from "../../src/lib/api-key.ts";
import { type Answer, costOf, send } from "../support/api.ts";
import { createTestKey, sendWithKey } from "../support/credentials.ts";
import { always, faultyBindings } from "../support/faults.ts";
import { createTestUser, sqlAll } from "../support/fixtures.ts";
import { captureLogs } from "../support/logs.ts";
import { expectProblem } from "../support/problems.ts";

describe("the secret of a key", () => {
  it("appears only in the response that creates it; neither it nor its hash appears in other responses, the audit, the log or KV", async () => {
    const logs = captureLogs();
    const ada = await createTestUser("moderator");
    const admin = await createTestUser("admin");
    const key = await createTestKey(ada, ["users:read"]);
    const hashes = [await hashOf(key.id)];
    const path = `/v1/api-keys/${key.id}`;
    const answers: Answer[] = [
      await sendWithKey(key, "/v1/users/me"),
      await sendWithKey(key, "/v1/users"),
      await sendWithKey({ key: `${key.key}0` }, "/v1/users"),
      await sendWithKey(key, path),
      await sendWithKey(key, "/v1/users/me", { token: ada.token }),
      await sendWithKey(key, "/v1/users/me", { bindings: faultyBindings({ d1: always }) }),
      await sendWithKey(key, "/v1/users", {
        bindings: faultyBindings({ d1: always, d1Message: `no such column: ${key.key}` }),
      }),
      await send(path, { token: ada.token }),
      await send("/v1/api-keys", { token: ada.token }),
      await send("/v1/api-keys?user_id=all&limit=100", { token: admin.token }),
      await send(path, { method: "PATCH", token: ada.token, body: { name: "Weekly" } }),
    ];
    const rotation = await send(`${path}/rotate`, { method: "POST", token: ada.token });
    hashes.push(await hashOf(key.id));
    answers.push(
      await sendWithKey(key, "/v1/users"),
      await sendWithKey(rotation.body, "/v1/users/me"),
      await send(path, { method: "DELETE", token: ada.token }),
      await send(path, { token: ada.token }),
    );
    const secrets = [key.key, rotation.body.key].flatMap((text: string) => [
      text,
      text.slice(5, 69),
      text.slice(13),
      text.slice(-8),
    ]);
    expect(hashes.filter((hash) => /^[0-9a-f]{64}$/.test(hash))).toHaveLength(2);
    const events = await sqlAll("SELECT * FROM audit_events");
    const { keys } = await env.KV.list();
    const stored = await Promise.all(keys.map(({ name }) => env.KV.get(name)));
    const places = {
      answers: answers.map(({ text, headers }) => text + JSON.stringify([...headers])).join("\n"),
      audit: JSON.stringify(events),
      logs: logs.text(),
      kv: JSON.stringify([keys, stored]),
    };
    for (const [place, text] of Object.entries(places)) {
      for (const secret of secrets)
        expect(text.includes(secret), `${place}: ${secret}`).toBe(false);
    }
    for (const hash of hashes) {
      expect(places.answers + places.audit + places.logs).not.toContain(hash);
    }
    expect(logs.lines().length).toBeGreaterThan(15);
  });

  it("is stored only as a hash", async () => {
    const key = await createTestKey(await createTestUser(), []);
    const [row] = await sqlAll("SELECT * FROM api_keys WHERE id = ?", key.id);
    expect(JSON.stringify(row)).not.toContain(key.key.slice(13, 69));
    const expected = new TextEncoder().encode(`roster api key v1\n${key.key.slice(5, 69)}`);
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", expected));
    const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    expect(row?.secret_hash).toBe(hex);
  });
});

describe("the rate limits of a key", () => {
  it("are separate from its owner's and from other keys', whatever the address", async () => {
    const ada = await createTestUser("moderator");
    const [first, second] = [
      await createTestKey(ada, ["users:read"]),
      await createTestKey(ada, ["users:read"]),
    ];
    const bindings = { ...env, RATE_LIMIT_READ: "2/60" };
    const use = (key: { key: string }, ip: string) =>
      sendWithKey(key, "/v1/users", { bindings, ip });
    expect((await use(first, "203.0.113.1")).headers.get("RateLimit")).toMatch(/^"read";r=1;/);
    expect((await use(first, "203.0.113.2")).status).toBe(200);
    const over = await use(first, "203.0.113.3");
    expectProblem(over, 429, "rate_limited");
    expect(Number(over.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect((await use(second, "203.0.113.3")).status).toBe(200);
    const inPerson = await send("/v1/users", { token: ada.token, bindings, ip: "203.0.113.3" });
    expect(inPerson.status).toBe(200);
  });

  it("count refused requests, and count a malformed key by address", async () => {
    const key = await createTestKey(await createTestUser(), []);
    const bindings = { ...env, RATE_LIMIT_READ: "1/60" };
    const use = (text: string) =>
      sendWithKey({ key: text }, "/v1/users", { bindings, ip: "203.0.113.9" });
    expectProblem(await use(key.key), 403, "forbidden");
    expectProblem(await use(key.key), 429, "rate_limited");
    expectProblem(await use("rstk_guess1"), 401, "unauthenticated");
    expectProblem(await use("rstk_guess2"), 429, "rate_limited");
  });

  it("let no one reach D1 with made-up keys more often than their address may", async () => {
    const bindings = { ...env, RATE_LIMIT_READ: "3/60" };
    const queries: number[] = [];
    const statuses: number[] = [];
    for (let i = 0; i < 8; i += 1) {
      const { text } = await mintApiKey();
      const answer = await sendWithKey({ key: text }, "/v1/users", {
        bindings,
        ip: "203.0.113.10",
      });
      statuses.push(answer.status);
      queries.push(costOf(answer).queries);
    }
    expect(statuses).toEqual([401, 401, 401, 429, 429, 429, 429, 429]);
    expect(queries).toEqual([1, 1, 1, 0, 0, 0, 0, 0]);
  });

  it("carry over when a key is rotated", async () => {
    const ada = await createTestUser("moderator");
    const key = await createTestKey(ada, ["users:read"]);
    const bindings = { ...env, RATE_LIMIT_READ: "1/60" };
    await sendWithKey(key, "/v1/users", { bindings });
    const { body } = await send(`/v1/api-keys/${key.id}/rotate`, {
      method: "POST",
      token: ada.token,
      bindings,
    });
    const answer = await sendWithKey(body, "/v1/users", { bindings });
    expectProblem(answer, 429, "rate_limited");
  });
});

async function hashOf(id: string): Promise<string> {
  const [row] = await sqlAll<{ secret_hash: string }>(
    "SELECT secret_hash FROM api_keys WHERE id = ?",
    id,
  );
  return row?.secret_hash ?? "";
}
