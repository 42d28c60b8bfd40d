import { beforeAll, describe, expect, it } from "vitest";
import { DAY, HOUR } from "../../src/lib/time.ts";
import { type Answer, type RequestOptions, send } from "../support/api.ts";
import { createHolder, createTestKey, withKey } from "../support/credentials.ts";
import {
  createTestUser,
  newAccount,
  newRole,
  sqlAll,
  sqlRun,
  type TestUser,
} from "../support/fixtures.ts";
import { createIsolate } from "../support/isolates.ts";
import { fetchDocument, operationsOf } from "../support/openapi.ts";
import { sampleRequest, type Target, targetOf, UNKNOWN_TARGET } from "../support/samples.ts";
import { age, refusalOf, refusedFor, setProofs, stepUpAs } from "../support/step-up.ts";
import { readStepUpTable } from "./step-up-table.ts";

const document = await fetchDocument();
const table = readStepUpTable();
const operations = operationsOf(document);
const always = operations.filter(({ name }) => table.get(name) === "always");
const sometimes = operations.filter(({ name }) => table.get(name) === "cases");
type Operation = (typeof operations)[number];
type Caller = Pick<RequestOptions, "token" | "headers" | "bindings">;
const named = (list: readonly Operation[]) => list.map((one) => [one.name, one] as const);

beforeAll(async () => {
  await createTestUser("admin"); // Remains, so that no other user is the last administrator.
});

const isForeign = ({ access }: Operation) => access.kind !== "own";

/** An administrator whose authentication is too old, and what their request is about: a user, or themselves. */
async function createCaller(operation: Operation): Promise<{ admin: TestUser; target: Target }> {
  const admin = await createTestUser("admin");
  const target = await targetOf(isForeign(operation) ? await createTestUser() : admin);
  return { admin: await age(admin), target };
}

function call(operation: Operation, caller: Caller, target: Target, more: RequestOptions = {}) {
  const { path, ...request } = sampleRequest(document, operation, target, !isForeign(operation));
  return send(path, { ...request, ...caller, ...more });
}

/** All that a refused request must leave as it is. */
async function readAll() {
  const tables = ["users", "roles", "custom_permissions", "api_keys", "sessions", "factors"];
  const traces = ["audit_events", "unattributed_events", "login_attempts", "mail_outbox"];
  return Promise.all(
    [...tables, ...traces, "idempotency_keys"].map((name) => sqlAll(`SELECT * FROM ${name}`)),
  );
}

function expectAdmitted({ status, body }: Answer<any>): void {
  expect([401, 403, 422], body?.code).not.toContain(status);
  expect(status).toBeLessThan(500);
}

describe("the operations that need a recent authentication", () => {
  it("are those of the table, in the document", () => {
    const documented = operations.flatMap(({ name, documented: { "x-step-up": stepUp } }) =>
      stepUp === undefined ? [] : [[name, stepUp === true ? "always" : "cases"]],
    );
    const expected = [...always, ...sometimes].map(({ name }) => [name, table.get(name)]);
    expect(documented.sort()).toEqual(expected.sort());
  });
});

describe("an operation that always needs a recent authentication", () => {
  it.each(named(always))(
    "refuses an older one, changes nothing, and accepts the caller who has stepped up: %s",
    async (_, operation) => {
      const { admin, target } = await createCaller(operation);
      const before = await readAll();
      const refused = await call(operation, admin, target);
      expect(refusalOf(refused)).toEqual(refusedFor("aal1"));
      expect(await readAll()).toEqual(before);
      const token = await stepUpAs(admin);
      expectAdmitted(await call(operation, { token }, target));
    },
  );

  it.each(named(always))("needs two factors of those who have two: %s", async (_, operation) => {
    const { admin, target } = await createCaller(operation);
    await sqlRun("UPDATE users SET mfa_enabled = 1 WHERE id = ?", admin.id);
    await setProofs(admin, { pwd: Date.now() });
    expect(refusalOf(await call(operation, admin, target))).toEqual(refusedFor("aal2"));
    await setProofs(admin, { pwd: Date.now(), otp: Date.now() - 601_000 });
    expect(refusalOf(await call(operation, admin, target))).toEqual(refusedFor("aal2"));
    await setProofs(admin, { pwd: Date.now(), otp: Date.now() });
    expectAdmitted(await call(operation, admin, target));
  });

  it.each(named(always))("answers 401 and 403 before, 422 and 404 after: %s", async (_, op) => {
    const { admin, target } = await createCaller(op);
    expect(refusalOf(await call(op, {}, target))).toMatchObject({ code: "unauthenticated" });
    if (isForeign(op)) {
      const person = await age(await createTestUser());
      expect(await call(op, person, target)).toMatchObject({ body: { code: "forbidden" } });
      expect(refusalOf(await call(op, admin, UNKNOWN_TARGET))).toEqual(refusedFor("aal1"));
    }
    const { path, method, body } = sampleRequest(document, op, target, !isForeign(op));
    const invalid = { ...body, nothing: 1 };
    const answer = body
      ? await send(path, { method, body: invalid, token: admin.token })
      : await send(`${path}?nothing=1`, { method, token: admin.token });
    expect(refusalOf(answer)).toEqual(refusedFor("aal1"));
  });

  it.each(named(always))("is as before if STEP_UP_MAX_AGE_SECONDS is 0: %s", async (_, op) => {
    const { admin, target } = await createCaller(op);
    const bindings = createIsolate({ STEP_UP_MAX_AGE_SECONDS: "0" });
    expectAdmitted(await call(op, { token: admin.token, bindings }, target));
  });

  it.each(named(always.filter(({ access }) => access.takesKeys)))(
    "takes API keys by their scope alone: %s",
    async (_, operation) => {
      const { permission = "", also } = operation.access;
      const scopes = [permission, ...also];
      const owner = await createHolder(...scopes);
      const key = await createTestKey(owner, scopes);
      await sqlRun("UPDATE users SET mfa_enabled = 1 WHERE id = ?", owner.id);
      await age(owner);
      expectAdmitted(await call(operation, withKey(key), await targetOf(await createTestUser())));
    },
  );
});

interface Case {
  operation: string;
  /** Makes what the request is about, and returns its name in the path. Default: a user. */
  target?: (user: TestUser) => Promise<string>;
  body: (user: TestUser) => object;
  needsStepUp: boolean;
}

const PERSON = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11";
const asRead = ({ username, email }: TestUser) => ({
  username,
  email,
  first_name: null,
  last_name: null,
  role: "user",
  is_active: true,
});

const start = (intent: string, needsStepUp: boolean): Case => ({
  operation: "POST /v1/auth/providers/{id}/start",
  body: () => ({
    intent,
    redirect_uri: "https://app.example/login",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
  }),
  needsStepUp,
});

const updateKey = (fields: object, needsStepUp: boolean): Case => ({
  operation: "PATCH /v1/api-keys/{id}",
  target: async (user) => {
    const expires_at = new Date(Date.now() + DAY).toISOString();
    return (await createTestKey(user, ["me:read"], { expires_at })).id;
  },
  body: () => fields,
  needsStepUp,
});

const replaceRole = (fields: object, needsStepUp: boolean): Case => ({
  operation: "PUT /v1/roles/{name}",
  target: async () => {
    const name = await newRole(["users:read"]);
    await sqlRun("UPDATE roles SET require_mfa = 1 WHERE name = ?", name);
    return name;
  },
  body: () => ({ permissions: ["users:read"], ...fields }),
  needsStepUp,
});

const CASES: Record<string, Case> = {
  "adding a scope to a key": updateKey({ scopes: ["me:read", "me:write"] }, true),
  "extending a key": updateKey({ expires_at: null }, true),
  "taking the scopes of a key": updateKey({ scopes: [] }, false),
  "shortening a key": updateKey({ expires_at: new Date(Date.now() + HOUR).toISOString() }, false),
  "renaming a key": updateKey({ name: "Weekly export" }, false),
  "adding a permission to a role": replaceRole(
    { permissions: ["users:read", "users:update"] },
    true,
  ),
  "asking for no second factor any more": replaceRole({ require_mfa: false }, true),
  "taking the permissions of a role": replaceRole({ permissions: [] }, false),
  "describing a role": replaceRole({ description: "Reads." }, false),
  "creating a user with another role than `user`": {
    operation: "POST /v1/users",
    body: () => newAccount({ role: "moderator" }),
    needsStepUp: true,
  },
  "creating a user": {
    operation: "POST /v1/users",
    body: () => newAccount({ role: "user" }),
    needsStepUp: false,
  },
  "importing a row with another role than `user`": {
    operation: "POST /v1/users/import",
    body: () => ({ data: [newAccount(), newAccount({ role: "moderator" })] }),
    needsStepUp: true,
  },
  "importing rows without one": {
    operation: "POST /v1/users/import",
    body: () => ({ data: [newAccount(), newAccount({ role: "user" })] }),
    needsStepUp: false,
  },
  "deleting many users": {
    operation: "POST /v1/users/bulk",
    body: ({ id }) => ({ ids: [id], action: "delete" }),
    needsStepUp: true,
  },
  "setting the role of many users": {
    operation: "POST /v1/users/bulk",
    body: ({ id }) => ({ ids: [id], action: "set_role", role: "moderator" }),
    needsStepUp: true,
  },
  "deactivating many users": {
    operation: "POST /v1/users/bulk",
    body: ({ id }) => ({ ids: [id], action: "deactivate" }),
    needsStepUp: false,
  },
  "linking an account at a provider": start("link", true),
  "logging in with a provider": start("login", false),
  "a step-up with a provider": start("step_up", false),
  ...Object.fromEntries(
    ["PUT", "PATCH"].flatMap((method) => {
      const operation = `${method} /v1/users/{id}`;
      const edit = (fields: object, needsStepUp: boolean) => ({
        operation,
        body: (user: TestUser) => ({ ...asRead(user), ...fields }),
        needsStepUp,
      });
      return [
        [`${method} with another role`, edit({ role: "moderator" }, true)],
        [`${method} with another email`, edit({ email: `another@example.com` }, true)],
        [`${method} with another username`, edit({ username: "another" }, true)],
        [`${method} with another name`, edit({ first_name: "Ada" }, false)],
        [`${method} that deactivates`, edit({ is_active: false }, false)],
        [`${method} that changes nothing`, edit({}, false)],
      ];
    }),
  ),
};

describe("an operation that needs a recent authentication in some cases", () => {
  const cases = Object.entries(CASES);

  it("has cases here", () => {
    const covered = new Set(cases.map(([, { operation }]) => operation));
    expect([...covered].sort()).toEqual(sometimes.map(({ name }) => name).sort());
  });

  async function request({ operation, target, body }: Case, user: TestUser) {
    const [method = "", path = ""] = operation.split(" ");
    const name = target ? await target(user) : user.id;
    return { path: path.replace(/\{\w+\}/, name), method, body: body(user) };
  }

  it.each(cases.filter(([, { needsStepUp }]) => needsStepUp))("needs it: %s", async (_, one) => {
    const user = await createTestUser();
    const admin = await age(await createTestUser("admin"));
    const { path, ...options } = await request(one, user);
    const before = await readAll();
    expect(refusalOf(await send(path, { ...options, token: admin.token }))).toEqual(
      refusedFor("aal1"),
    );
    expect(await readAll()).toEqual(before);
    expectAdmitted(await send(path, { ...options, token: await stepUpAs(admin) }));
  });

  it.each(cases.filter(([, { needsStepUp }]) => !needsStepUp))(
    "does not need it: %s",
    async (_, one) => {
      const user = await createTestUser();
      const admin = await age(await createTestUser("admin"));
      const { path, ...options } = await request(one, user);
      expectAdmitted(await send(path, { ...options, token: admin.token }));
    },
  );

  it("needs it before 422", async () => {
    const { token } = await age(await createTestUser("admin"));
    const answers = [
      await send("/v1/users", { token, body: newAccount({ role: "moderator", email: "nobody" }) }),
      await send("/v1/users", { token, body: newAccount({ role: "nobodys" }) }),
      await send("/v1/users/bulk", { token, body: { ids: "none", action: "delete" } }),
      await send("/v1/users/bulk", { token, body: { ids: [PERSON], action: "set_role" } }),
    ];
    expect(answers.map(refusalOf)).toEqual(answers.map(() => refusedFor("aal1")));
  });

  it("answers 403 before", async () => {
    const { token } = await age(await createHolder("users:create", "users:import", "users:update"));
    const { id } = await createTestUser();
    const answers = [
      await send("/v1/users", { token, body: newAccount({ role: "moderator" }) }),
      await send("/v1/users/bulk", { token, body: { ids: [id], action: "delete" } }),
      await send(`/v1/users/${id}`, { token, method: "PATCH", body: { role: "moderator" } }),
      await send(`/v1/users/${id}`, { token, method: "PATCH", body: { email: "a@example.com" } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
    const body = { data: [newAccount({ role: "moderator" })] };
    expect((await send("/v1/users/import", { token, body })).body).toMatchObject({ rejected: 1 });
  });
});
