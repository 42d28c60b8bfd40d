import { env } from "cloudflare:workers";
import type { JWK } from "jose";
import { describe, expect, it } from "vitest";
import { fromBase64Url } from "../../src/lib/bytes.ts";
import { send } from "../support/api.ts";
import { HOURLY, runCron } from "../support/cron.ts";
import { createTestUser, logIn, sqlAll, sqlRun } from "../support/fixtures.ts";
import {
  CREATION_NAMES,
  contentOf,
  isReplayed,
  keyed,
  newCreation,
  sendKeyed,
} from "../support/idempotency.ts";
import { createIsolate } from "../support/isolates.ts";
import { captureLogs } from "../support/logs.ts";
import { expectProblem } from "../support/problems.ts";
import { jwkSet, octJwk } from "../support/tokens.ts";

const KEY = "a-key-that-nobody-else-knows";
const IP = "198.51.100.201";

interface Row {
  id: string;
  user_id: string | null;
  sealed_answer: string;
  expires_at: number;
}

const allAnswers = () => sqlAll<Row>("SELECT * FROM idempotency_keys");
const answersOf = (userId: string) =>
  sqlAll<Row>("SELECT * FROM idempotency_keys WHERE user_id = ?", userId);

describe("a stored response", () => {
  it("shows neither the key, nor the principal, nor the request, nor the response, in any encoding", async () => {
    const logs = captureLogs();
    const admin = await createTestUser("admin");
    const registration = await newCreation("POST /v1/auth/register");
    const apiKey = await newCreation("POST /v1/api-keys", admin);
    const registered = await sendKeyed(KEY, registration, { ip: IP });
    const issued = await sendKeyed(KEY, apiKey);
    await sendKeyed(KEY, apiKey);
    const rows = await allAnswers();
    expect(rows).toHaveLength(2);
    const bytes = (text: string) =>
      new TextDecoder("latin1").decode(fromBase64Url(text) ?? new Uint8Array());
    const stored = rows
      .map(({ id, sealed_answer }) => id + bytes(id) + sealed_answer + bytes(sealed_answer))
      .join();
    const secrets = [
      KEY,
      IP,
      registration.options.body?.email,
      registration.options.body?.username,
      registration.options.body?.password,
      issued.body.key,
      issued.body.prefix,
      issued.body.id,
      admin.id,
      registered.body.id,
      "register",
    ];
    for (const secret of secrets) {
      expect(stored).not.toContain(secret);
      expect(stored).not.toContain(btoa(String(secret)).slice(1, -4));
    }
    for (const secret of [KEY, IP, issued.body.key, registration.options.body?.email])
      expect(logs.text()).not.toContain(secret);
    const { keys } = await env.KV.list();
    expect(JSON.stringify(keys)).not.toContain(KEY);
  });

  it("differs for the same content, and is of no use under another id", async () => {
    const admin = await createTestUser("admin");
    const [one, other] = [
      await newCreation("POST /v1/api-keys", admin),
      await newCreation("POST /v1/api-keys", admin),
    ];
    await sendKeyed("one", one);
    await sendKeyed("other", other);
    const [first, second] = (await answersOf(admin.id)).sort((a, b) => a.expires_at - b.expires_at);
    if (!first || !second) throw new Error("two rows expected");
    const swap = "UPDATE idempotency_keys SET sealed_answer = ? WHERE id = ?";
    await sqlRun(swap, first.sealed_answer, second.id);
    await sqlRun(swap, second.sealed_answer, first.id);
    expectProblem(await sendKeyed("one", one), 422, "idempotency_key_reused");
    expectProblem(await sendKeyed("other", other), 422, "idempotency_key_reused");
    expect([await one.count(), await other.count()]).toEqual([1, 1]);
  });

  it("that is damaged: 422, and nothing is done a second time", async () => {
    const admin = await createTestUser("admin");
    const creation = await newCreation("POST /v1/api-keys", admin);
    await sendKeyed("damaged", creation);
    for (const damage of ["", "AAAA", "?"]) {
      await sqlRun(
        "UPDATE idempotency_keys SET sealed_answer = ? WHERE user_id = ?",
        damage,
        admin.id,
      );
      expectProblem(await sendKeyed("damaged", creation), 422, "idempotency_key_reused");
    }
    expect(await creation.count()).toBe(1);
  });
});

describe("rotation of MAC_KEYS", () => {
  const [OLD_MAC] = (JSON.parse(env.MAC_KEYS) as { keys: JWK[] }).keys;
  const rotated = createIsolate({ MAC_KEYS: jwkSet(octJwk("next", 7), OLD_MAC) });

  it.each(CREATION_NAMES)("keeps the responses of keys that were sent before: %s", async (name) => {
    const creation = await newCreation(name);
    const key = crypto.randomUUID();
    const first = await sendKeyed(key, creation);
    const again = await sendKeyed(key, creation, { bindings: rotated });
    expect(isReplayed(again)).toBe(true);
    expect(contentOf(again)).toEqual(contentOf(first));
    expect(await creation.count()).toBe(1);
  });

  it("replaces a response that has expired under the old key", async () => {
    const creation = await newCreation("POST /v1/api-keys");
    await sendKeyed("rotated", creation);
    await sqlRun("UPDATE idempotency_keys SET expires_at = 1");
    const next = await sendKeyed("rotated", creation, { bindings: rotated });
    expect([next.status, isReplayed(next)]).toEqual([201, false]);
    const last = await sendKeyed("rotated", creation, { bindings: rotated });
    expect([last.text, isReplayed(last)]).toEqual([next.text, true]);
  });
});

describe("erasing a user removes", () => {
  const erase = async (id: string) => {
    const { token } = await createTestUser("admin");
    const erased = await send(`/v1/users/${id}/erase`, { method: "POST", token });
    expect(erased.status).toBe(204);
  };

  it("the response to their registration", async () => {
    const creation = await newCreation("POST /v1/auth/register");
    const { body: user } = await sendKeyed("register", creation);
    expect(await answersOf(user.id)).toHaveLength(1);
    await erase(user.id);
    expect(await answersOf(user.id)).toEqual([]);
    const again = await sendKeyed("register", creation);
    expect([again.status, isReplayed(again)]).toEqual([201, false]);
    expect(again.body.id).not.toBe(user.id);
  });

  it("the response to the administrator who created them, or a key for them", async () => {
    const admin = await createTestUser("admin");
    const creation = await newCreation("POST /v1/users", admin);
    const { body: user } = await sendKeyed("user", creation);
    const body = { name: "theirs", scopes: [], user_id: user.id };
    const key = keyed("key", { token: admin.token, body });
    expect((await send("/v1/api-keys", key)).status).toBe(201);
    expect(await answersOf(user.id)).toHaveLength(2);
    expect(await answersOf(admin.id)).toEqual([]);
    await erase(user.id);
    expect(await answersOf(user.id)).toEqual([]);
    expectProblem(await send("/v1/api-keys", key), 404, "user_not_found");
  });

  it("the responses to their own requests, refusals included", async () => {
    const admin = await createTestUser("admin");
    const others = (await allAnswers()).length;
    for (const name of ["POST /v1/roles", "POST /v1/permissions", "POST /v1/api-keys"]) {
      const creation = await newCreation(name, admin);
      expect((await sendKeyed(crypto.randomUUID(), creation)).status).toBe(201);
      if (name === "POST /v1/api-keys") continue;
      expect((await sendKeyed(crypto.randomUUID(), creation)).status).toBe(409);
    }
    expect(await answersOf(admin.id)).toHaveLength(5);
    await erase(admin.id);
    expect(await answersOf(admin.id)).toEqual([]);
    expect((await allAnswers()).length).toBe(others);
  });

  it("as does the purge of a deleted user", async () => {
    const creation = await newCreation("POST /v1/auth/register");
    const { body: user } = await sendKeyed("purged", creation);
    const { token } = await logIn(String(creation.options.body?.username));
    await send("/v1/users/me", { method: "DELETE", token });
    expect(await answersOf(user.id)).toHaveLength(1);
    await sqlRun("UPDATE users SET deleted_at = 1 WHERE id = ?", user.id);
    await runCron(HOURLY);
    expect(await answersOf(user.id)).toEqual([]);
  });

  it("reads them by an index", async () => {
    const plan = await sqlAll<{ detail: string }>(
      "EXPLAIN QUERY PLAN DELETE FROM idempotency_keys WHERE user_id = ?",
      "x",
    );
    expect(plan.map(({ detail }) => detail).join()).toMatch(/SEARCH .* idempotency_keys_user /);
  });
});
