import { beforeAll, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { createTestKey, sendWithKey } from "../support/credentials.ts";
import {
  actionsOn,
  createTestUser,
  newAccount,
  sqlAll,
  type TestUser,
} from "../support/fixtures.ts";
import {
  CREATION_NAMES,
  contentOf,
  countAnswers,
  isReplayed,
  keyed,
  newCreation,
  sendKeyed,
} from "../support/idempotency.ts";
import { createIsolate } from "../support/isolates.ts";
import { fetchDocument } from "../support/openapi.ts";
import { expectProblem, faultsOf } from "../support/problems.ts";

const document = await fetchDocument();
let admin: TestUser;

beforeAll(async () => {
  admin = await createTestUser("admin");
});

describe("the document", () => {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      operation,
    })),
  );

  it("declares the header for every POST that creates or issues something, and for no other operation", () => {
    const declared = operations.filter(({ operation }) =>
      operation.parameters?.some(({ name }) => name === "Idempotency-Key"),
    );
    // An import has tests of its own.
    const expected = [...CREATION_NAMES, "POST /v1/users/import"];
    expect(declared.map(({ name }) => name).sort()).toEqual(expected.sort());
    const creating = operations.filter(({ operation }) => "201" in operation.responses);
    expect(CREATION_NAMES).toEqual(expect.arrayContaining(creating.map(({ name }) => name)));
  });

  it.each(CREATION_NAMES)("%s: shows the replay header and both errors", (name) => {
    const { responses } = operations.find((operation) => operation.name === name)?.operation ?? {};
    const success = responses?.["201"] ?? responses?.["200"];
    expect(Object.keys(success?.headers ?? {})).toContain("Idempotency-Replayed");
    for (const [status, code] of [
      ["422", "idempotency_key_reused"],
      ["409", "request_in_progress"],
    ] as const) {
      expect(responses?.[status]?.description).toContain(`\`${code}\``);
      expect(Object.keys(responses?.[status]?.headers ?? {})).toContain("Idempotency-Replayed");
    }
  });
});

describe.each(CREATION_NAMES)("%s", (name) => {
  it("sent again with its key: the same response byte for byte, and nothing is done twice", async () => {
    const creation = await newCreation(name, admin);
    const first = await sendKeyed('"one"', creation);
    expect(first.status, first.text).toBeLessThan(300);
    expect(isReplayed(first)).toBe(false);
    const second = await sendKeyed('"one"', creation);
    expect(isReplayed(second)).toBe(true);
    expect(contentOf(second)).toEqual(contentOf(first));
    expect(await creation.count()).toBe(1);
  });

  it("responds with a key as it does without one", async () => {
    const [withKey, without] = [await newCreation(name, admin), await newCreation(name, admin)];
    const keyed = await sendKeyed(crypto.randomUUID(), withKey);
    const plain = await send(without.path, without.options);
    const shapeOf = ({ status, headers, body }: typeof plain) => ({
      status,
      fields: Object.keys(body),
      headers: [...headers.keys()],
      caching: headers.get("Cache-Control"),
      type: headers.get("Content-Type"),
    });
    expect(shapeOf(keyed)).toEqual(shapeOf(plain));
  });

  it("sent with the key of another request: 422, and nothing is done", async () => {
    const creation = await newCreation(name, admin);
    const key = crypto.randomUUID();
    await sendKeyed(key, creation);
    const other = { ...creation, options: { ...creation.options, body: creation.otherBody } };
    const refused = await sendKeyed(key, other);
    expectProblem(refused, 422, "idempotency_key_reused");
    expect(faultsOf(refused)).toEqual(["Idempotency-Key reused"]);
    expect(isReplayed(refused)).toBe(false);
    expect(await creation.count()).toBe(1);
    expect(isReplayed(await sendKeyed(key, creation))).toBe(true);
  });

  it("sent without a key: nothing is stored, and it is carried out each time", async () => {
    const creation = await newCreation(name, admin);
    const before = await countAnswers();
    const first = await send(creation.path, creation.options);
    const second = await send(creation.path, creation.options);
    expect(isReplayed(second)).toBe(false);
    expect(second.text).not.toBe(first.text);
    expect(await countAnswers()).toBe(before);
  });
});

describe("the result of an import", () => {
  it("is not kept if it is longer than 512 KiB: the same rows are tried again", async () => {
    const unknown = Object.fromEntries([..."abcdefghijkl"].map((name) => [name, 1]));
    const importRows = (count: number) => {
      const body = { data: Array.from({ length: count }, () => unknown) };
      const headers = { "Idempotency-Key": `import-${count}` };
      return send("/v1/users/import", { token: admin.token, body, headers });
    };
    expect((await importRows(1000)).text.length).toBeGreaterThan(512 * 1024);
    expect(isReplayed(await importRows(1000))).toBe(false);
    expect((await importRows(500)).text.length).toBeLessThan(512 * 1024);
    expect(isReplayed(await importRows(500))).toBe(true);
  });
});

describe("what a repetition returns", () => {
  it("is the first response, even after what it created has changed", async () => {
    const creation = await newCreation("POST /v1/users", admin);
    const first = await sendKeyed("changed", creation);
    const patch = { method: "PATCH", token: admin.token, body: { first_name: "Changed" } };
    expect((await send(`/v1/users/${first.body.id}`, patch)).status).toBe(200);
    expect(contentOf(await sendKeyed("changed", creation))).toEqual(contentOf(first));
  });

  it("works: the secret of a key that was created or rotated", async () => {
    const creation = await newCreation("POST /v1/api-keys", admin);
    const created = await sendKeyed("secret", creation);
    const again = await sendKeyed("secret", creation);
    expect(again.body.key).toBe(created.body.key);
    expect((await sendWithKey(again.body, "/v1/users")).status).toBe(200);
    const rotation = {
      path: `/v1/api-keys/${created.body.id}/rotate`,
      options: {
        method: "POST",
        token: admin.token,
        headers: { "If-Match": created.headers.get("ETag") ?? "" },
      },
    };
    await sendKeyed("rotated", rotation);
    const rotated = await sendKeyed("rotated", rotation);
    expect(isReplayed(rotated)).toBe(true);
    expect((await sendWithKey(rotated.body, "/v1/users")).status).toBe(200);
    expect((await sendWithKey(created.body, "/v1/users")).status).toBe(401);
  });

  it("has its own X-Request-Id, and records no second audit event", async () => {
    const creation = await newCreation("POST /v1/users", admin);
    const send = () => sendKeyed("own-headers", creation);
    const [first, second] = [await send(), await send()];
    expect(second.headers.get("X-Request-Id")).not.toBe(first.headers.get("X-Request-Id"));
    expect(await actionsOn(first.body.id)).toEqual(["user.created"]);
  });

  it("to a page of another origin can be read, and the key can be sent", async () => {
    const creation = await newCreation("POST /v1/auth/register");
    const bindings = createIsolate({ CORS_ORIGINS: "https://app.example" });
    const headers = { Origin: "https://app.example" };
    await sendKeyed("cors", creation, { bindings, headers });
    const again = await sendKeyed("cors", creation, { bindings, headers });
    expect(again.headers.get("Access-Control-Expose-Headers")).toContain("Idempotency-Replayed");
    expect(again.headers.get("Vary")).toBe("Authorization, X-API-Key, Origin");
    const preflight = await send(creation.path, {
      method: "OPTIONS",
      bindings,
      headers: { ...headers, "Access-Control-Request-Method": "POST" },
    });
    expect(preflight.headers.get("Access-Control-Allow-Headers")).toContain("Idempotency-Key");
  });
});

describe("one key belongs to", () => {
  it("one user: another user's same key is another key", async () => {
    const other = await createTestUser("admin");
    const creation = await newCreation("POST /v1/api-keys", admin);
    await sendKeyed("mine", creation);
    const others = await sendKeyed("mine", creation, { token: other.token });
    expect(others.status).toBe(201);
    expect(isReplayed(others)).toBe(false);
    expect(others.body.user_id).toBe(other.id);
  });

  it("one user, in all of their sessions", async () => {
    const creation = await newCreation("POST /v1/users", admin);
    const first = await sendKeyed("sessions", creation);
    const { body } = await send("/v1/auth/login", {
      body: { username: admin.username, password: "SecurePass123!" },
    });
    const again = await sendKeyed("sessions", creation, { token: body.access_token });
    expect(contentOf(again)).toEqual(contentOf(first));
    expect(isReplayed(again)).toBe(true);
  });

  it("one API key: its owner's same key is another key", async () => {
    const key = await createTestKey(admin, ["users:create"]);
    const creation = await newCreation("POST /v1/users", admin);
    await sendKeyed("of-both", creation);
    const body = newAccount();
    const post = (by = key) => sendWithKey(by, "/v1/users", keyed("of-both", { body }));
    const first = await post();
    expect([first.status, isReplayed(first)]).toEqual([201, false]);
    expect(isReplayed(await post())).toBe(true);
    const other = await createTestKey(admin, ["users:create"]);
    expectProblem(await post(other), 409, "email_taken");
  });

  it("one address, for register; an IPv6 address counts as its /64", async () => {
    const creation = await newCreation("POST /v1/auth/register");
    const from = (ip: string) => sendKeyed("address", creation, { ip });
    const first = await from("2001:db8:1:2::1");
    expect(isReplayed(await from("2001:db8:1:2:ffff::9"))).toBe(true);
    expect(first.status).toBe(201);
    expectProblem(await from("2001:db8:1:3::1"), 409, "email_taken");
    expectProblem(await from("198.51.100.1"), 409, "email_taken");
  });

  it("one operation", async () => {
    const [role, permission] = [
      await newCreation("POST /v1/roles", admin),
      await newCreation("POST /v1/permissions", admin),
    ];
    const answers = [await sendKeyed("both", role), await sendKeyed("both", permission)];
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(answers.map(isReplayed)).toEqual([false, false]);
  });
});

describe("the header", () => {
  it.each([
    ['"a b"', '"a b"'],
    ["plain-1", '"plain-1"'],
    ['"a\\"b\\\\c"', 'a"b\\c'],
    ["x".repeat(255), `"${"x".repeat(255)}"`],
    ["a,b;c=1", '"a,b;c=1"'],
  ])("%s is the same key as %s", async (one, other) => {
    const creation = await newCreation("POST /v1/roles", admin);
    expect((await sendKeyed(one, creation)).status).toBe(201);
    expect(isReplayed(await sendKeyed(other, creation))).toBe(true);
  });

  it.each([
    "",
    '""',
    '"',
    '"a',
    'a"b c',
    "a b",
    '"a"b"',
    '"\\x"',
    '"a";v=1',
    "x".repeat(256),
    '"a", "b"',
    "\u00e9",
  ])("%j is 422", async (key) => {
    const creation = await newCreation("POST /v1/roles", admin);
    const refused = await sendKeyed(key, creation);
    expectProblem(refused, 422, "validation_failed");
    expect(faultsOf(refused)).toEqual(["Idempotency-Key invalid_format"]);
    expect(await creation.count()).toBe(0);
  });

  it("that is malformed is reported with all other faults, structural and semantic, and after 401 and 403", async () => {
    const body = { ...newAccount({ password: "password1" }), nickname: "x" };
    const options = keyed("a b", { body });
    expect(faultsOf(await send("/v1/auth/register", options))).toEqual([
      "Idempotency-Key invalid_format",
      "nickname unknown_field",
      "password too_common",
    ]);
    const valid = keyed("a b", { body: newAccount({ password: "password1" }) });
    expect(faultsOf(await send("/v1/auth/register", valid))).toEqual([
      "Idempotency-Key invalid_format",
      "password too_common",
    ]);
    expectProblem(await send("/v1/users", options), 401, "unauthenticated");
    const { token } = await createTestUser();
    expectProblem(await send("/v1/users", { ...options, token }), 403, "forbidden");
  });

  it("is ignored by operations that do not take it", async () => {
    const { token, id } = await createTestUser();
    const patch = (first_name: string) =>
      send("/v1/users/me", keyed("a b", { method: "PATCH", token, body: { first_name } }));
    expect((await patch("One")).status).toBe(200);
    expect((await patch("Two")).body.first_name).toBe("Two");
    expect((await send("/v1/users/me", keyed("x", { token }))).status).toBe(200);
    expect(await sqlAll("SELECT * FROM idempotency_keys WHERE user_id = ?", id)).toEqual([]);
  });
});
