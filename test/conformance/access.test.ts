import { beforeAll, describe, expect, it } from "vitest";
import { PERMISSION_NAMES, SELF_SCOPES } from "../../src/access/permissions.ts";
import { type Answer, type RequestOptions, send } from "../support/api.ts";
import { allBut, createHolder, createTestKey, setRole, withKey } from "../support/credentials.ts";
import { createTestUser, type TestUser } from "../support/fixtures.ts";
import { documentedCodes, type Operation } from "../support/openapi.ts";
import {
  asMe,
  canTargetOthers,
  sampleRequest,
  type Target,
  targetOf,
  UNKNOWN_TARGET,
} from "../support/samples.ts";
import { cases, document, operations, readSystemRoles, restricted } from "./access-cases.ts";

type Credential = Pick<RequestOptions, "token" | "headers">;

const permissioned = restricted.filter(({ access }) => access.permission !== undefined);
const SELF_SCOPE_NAMES = Object.keys(SELF_SCOPES);

let systemRoles: Record<string, string[]>;

beforeAll(async () => {
  const { token } = await createTestUser("admin"); // Remains, so that no other user is the last administrator.
  systemRoles = await readSystemRoles(token);
});

/** Sends the operation for a target and expects a documented response. */
async function call(
  operation: Operation,
  credential: Credential,
  target: Target,
  isOwn = false,
): Promise<Answer> {
  const { path, ...request } = sampleRequest(document, operation, target, isOwn);
  const answer = await send(path, { ...request, ...credential });
  expectDocumented(operation, answer);
  return answer;
}

function expectDocumented(operation: Operation, { status, body }: Answer): void {
  expect(Object.keys(operation.documented.responses), operation.name).toContain(String(status));
  if (status >= 400) expect(documentedCodes(operation, status)).toContain(body?.code);
}

function expectRefused(answer: Answer, status: number, code: string, who: string): void {
  const { body } = answer;
  expect({ who, status: answer.status, code: body?.code }).toEqual({ who, status, code });
}

function expectAccepted({ status, body }: Answer, who: string): void {
  const refusals = [401, 403, 422].filter((refusal) => refusal === status);
  expect({ who, refusals, code: body?.code }).toEqual({ who, refusals: [], code: body?.code });
  expect(status, `${who}: ${body?.code}`).toBeLessThan(500);
}

/**
 * Makes a function remember its result by its arguments. For callers who are refused everywhere and targets that nothing reaches,
 * which many tests can share.
 */
function shared<A extends unknown[], R>(create: (...args: A) => Promise<R>) {
  const known = new Map<string, Promise<R>>();
  return (...args: A): Promise<R> => {
    const key = JSON.stringify(args);
    const result = known.get(key) ?? create(...args);
    known.set(key, result);
    return result;
  };
}

const untouchedTarget = shared(async () => targetOf(await createTestUser()));
const adminKey = shared(async (...scopes: string[]) =>
  createTestKey(await createTestUser("admin"), scopes),
);
const ownTargetsOf = shared(async (user: TestUser) => ownTargets(user));

/** A user of each system role that the table does not admit, and one whose role grants all other permissions. */
const createUsersWithout = shared(async (permission: string, admitted: readonly string[]) => {
  const roles = Object.keys(systemRoles).filter((role) => !admitted.includes(role));
  expect(roles).toContain("user");
  const ordinary = await Promise.all(roles.map((role) => createTestUser(role)));
  return [await createHolder(...allBut(permission)), ...ordinary];
});

/** A key with all scopes except `scopes`, whose owner holds all permissions except `granted`. */
const createKeyWithout = shared(async (scopes: readonly string[], granted: readonly string[]) => {
  const owner = await createTestUser("admin");
  const key = await createTestKey(owner, allBut(...scopes));
  const holder = await createHolder(...allBut(...granted));
  const { role } = (await send("/v1/users/me", { token: holder.token })).body;
  await setRole(owner, role);
  return key;
});

describe("every documented operation", () => {
  it.each(cases(operations.filter(({ access }) => access.kind === "public")))(
    "is open to everyone if it is public: %s",
    async (_, operation) => {
      const { status, body } = await call(operation, {}, UNKNOWN_TARGET);
      expect(["unauthenticated", "forbidden"]).not.toContain(body?.code);
      expect(status).toBeLessThan(500);
    },
  );

  it.each(cases(restricted))(
    "returns 401 without valid credentials and 400 to two credentials: %s",
    async (_, op) => {
      const key = await adminKey();
      const user = key.owner;
      const [target] = await ownTargetsOf(user);
      const bare: Credential[] = [
        {},
        { token: `${user.token}x` },
        withKey({ key: `${key.key}0` }),
        { headers: { Authorization: `Basic ${btoa("admin:admin")}` } },
      ];
      for (const credential of bare) {
        const answer = await call(op, credential, target);
        expectRefused(answer, 401, "unauthenticated", JSON.stringify(credential));
        expect(answer.headers.get("WWW-Authenticate")).toBeTruthy();
      }
      const both = await call(op, { token: user.token, ...withKey(key) }, target);
      expectRefused(both, 400, "conflicting_credentials", "both");
    },
  );
});

describe("every operation that requires a permission", () => {
  it.each(cases(permissioned))(
    "returns 403 to every role without it, whether or not the target exists: %s",
    async (_, operation) => {
      const { permission = "", kind } = operation.access;
      const foreign = await untouchedTarget();
      for (const user of await createUsersWithout(permission, operation.row.admitted)) {
        const own = kind === "permission" ? await ownTargetsOf(user) : [];
        for (const target of [foreign, UNKNOWN_TARGET, ...own]) {
          const answer = await call(operation, user, target, target.user === user);
          expectRefused(answer, 403, "forbidden", user.username);
        }
      }
    },
  );

  it.each(cases(permissioned.filter(({ row }) => row.refusesOtherKeys)))(
    "returns 403 to every key without it, even for its owner's account: %s",
    async (_, operation) => {
      const { permission = "" } = operation.access;
      const keys = {
        "without the scope": await createKeyWithout([permission], []),
        "of an owner without the permission": await createKeyWithout([], [permission]),
        "without any scope": await adminKey(),
      };
      const foreign = await untouchedTarget();
      for (const [who, key] of Object.entries(keys)) {
        for (const target of [foreign, UNKNOWN_TARGET, ...(await ownTargetsOf(key.owner))]) {
          const answer = await call(operation, withKey(key), target, target.user === key.owner);
          expectRefused(answer, 403, "forbidden", `a key ${who}`);
        }
      }
    },
  );

  it.each(cases(permissioned))("accepts every caller that holds it: %s", async (_, operation) => {
    const { permission = "", also, takesKeys } = operation.access;
    const held = [permission, ...also];
    const { admitted } = operation.row;
    const people = await Promise.all(admitted.map((role) => createTestUser(role)));
    for (const person of [...people, await createHolder(...held)]) {
      const target = await targetOf(await createTestUser());
      expectAccepted(await call(operation, person, target), person.username);
    }
    if (!takesKeys) return;
    const keys = [
      await createTestKey(await createHolder(...held), held),
      await createTestKey(await createTestUser("admin"), held),
    ];
    for (const key of keys) {
      const target = await targetOf(await createTestUser());
      expectAccepted(await call(operation, withKey(key), target), "a key");
    }
  });
});

describe("every operation on the caller's own resources", () => {
  const ownOperations = restricted.filter(({ access }) => access.kind !== "permission");

  it.each(cases(ownOperations))(
    "accepts the owner, by id and by `me`: %s",
    async (_, operation) => {
      for (const i of [0, 1]) {
        const user = await createTestUser();
        const target = (await ownTargets(user))[i];
        if (target) expectAccepted(await call(operation, user, target, true), `owner ${i}`);
      }
    },
  );

  it.each(cases(ownOperations.filter(({ access }) => access.permission)))(
    "can be sent for another user's resources: %s",
    (_, operation) => {
      expect(canTargetOthers(operation), "add a `foreign` sample to test/support/samples.ts").toBe(
        true,
      );
    },
  );
});

describe("every operation that refuses API keys", () => {
  it.each(cases(restricted.filter(({ access }) => !access.takesKeys)))(
    "returns 403 to every key, even with every scope: %s",
    async (_, operation) => {
      const key = await adminKey(...PERMISSION_NAMES, ...SELF_SCOPE_NAMES);
      const foreign = await untouchedTarget();
      for (const target of [foreign, UNKNOWN_TARGET, ...(await ownTargetsOf(key.owner))]) {
        const answer = await call(operation, withKey(key), target, target.user === key.owner);
        expectRefused(answer, 403, "forbidden", "a key with every scope");
      }
    },
  );
});

describe("every operation that takes API keys", () => {
  const takingKeys = permissioned.filter(({ access }) => access.takesKeys);

  it.each(cases(takingKeys.filter(({ access }) => access.selfScope)))(
    "accepts a key with the scope for its owner's account there, by id and by `me`, and nowhere else: %s",
    async (_, operation) => {
      const { selfScope = "" } = operation.access;
      const foreign = await untouchedTarget();
      const owner = await createTestUser();
      const key = await createTestKey(owner, [selfScope]);
      for (const target of await ownTargets(owner)) {
        expectAccepted(await call(operation, withKey(key), target, true), selfScope);
      }
      for (const target of [foreign, UNKNOWN_TARGET]) {
        const answer = await call(operation, withKey(key), target);
        expectRefused(answer, 403, "forbidden", selfScope);
      }
    },
  );

  it.each(cases(takingKeys))(
    "returns 403 to a key with the other scopes for its owner's account: %s",
    async (_, operation) => {
      const others = SELF_SCOPE_NAMES.filter((name) => name !== operation.access.selfScope);
      const key = await adminKey(...others);
      for (const target of [...(await ownTargetsOf(key.owner)), UNKNOWN_TARGET]) {
        const answer = await call(operation, withKey(key), target, target.user === key.owner);
        expectRefused(answer, 403, "forbidden", others.join(" "));
      }
    },
  );
});

async function ownTargets(user: TestUser): Promise<[Target, Target]> {
  const target = await targetOf(user);
  return [target, asMe(target)];
}
