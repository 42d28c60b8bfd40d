import { decodeJwt } from "jose";
import { createTestKey } from "./credentials.ts";
import { createRoleRow, sqlRun, type TestUser } from "./fixtures.ts";
import { type OpenApiDocument, type Operation, sampleBody, sampleParameter } from "./openapi.ts";

/** The user whose resources a request is about. */
export interface Target {
  user: Pick<TestUser, "id" | "username" | "email">;
  /** Ids of their resources, by the collection in the path. */
  ids: Readonly<Record<string, string>>;
}

interface Sample {
  /** The body, where the document has no suitable example. */
  body?: Record<string, unknown>;
  /** Additions for a request about another user's resources, where `{id}` is not sufficient. */
  foreign?: (target: Target) => Addition;
  /** Additions for a request that the owner may send. */
  own?: (target: Target) => Addition;
}

interface Addition {
  query?: string;
  body?: Record<string, unknown>;
}

const SAMPLES: Readonly<Record<string, Sample>> = {
  refresh: { body: { refresh_token: "rrt_nobody" } },
  changeUsers: {
    foreign: ({ user }) => ({ body: { ids: [user.id], action: "activate" } }),
    own: ({ user }) => ({ body: { ids: [user.id], action: "activate" } }),
  },
  replaceUser: { foreign: keepEmail, own: keepIdentifiers },
  createRole: { body: { name: "support", permissions: [] } },
  replaceRole: { body: { permissions: [] } },
  createApiKey: {
    body: { name: "Nightly export", scopes: [] },
    foreign: ({ user }) => ({ body: { user_id: user.id } }),
  },
  listApiKeys: { foreign: ({ user }) => ({ query: `?user_id=${user.id}` }) },
};

// Users and API keys cannot change the email with this operation.
function keepEmail({ user: { email } }: Target): Addition {
  return { body: { email } };
}

// With me:write, API keys cannot change their owner's username either.
function keepIdentifiers({ user: { username, email } }: Target): Addition {
  return { body: { username, email } };
}

const UNKNOWN_ID = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11";

/** A target that does not exist. */
export const UNKNOWN_TARGET: Target = {
  user: { id: UNKNOWN_ID, username: "nobody", email: "nobody@example.com" },
  ids: {
    users: UNKNOWN_ID,
    sessions: UNKNOWN_ID,
    "api-keys": UNKNOWN_ID,
    roles: "nobodys",
    permissions: "nobodys:own",
  },
};

let roles = 0;

/** A user's account, session and a new API key, a new role that no user has, and a permission that no role holds. */
export async function targetOf(user: TestUser): Promise<Target> {
  const { id } = await createTestKey(user, []);
  roles += 1;
  await createRoleRow(`unused${roles}`, []);
  await sqlRun(
    "INSERT INTO custom_permissions (name, description, created_at) VALUES ('unused:one', '', 0) ON CONFLICT DO NOTHING",
  );
  const sessionId = String(decodeJwt(user.token).sid);
  return {
    user,
    ids: {
      users: user.id,
      sessions: sessionId,
      "api-keys": id,
      roles: `unused${roles}`,
      permissions: "unused:one",
    },
  };
}

/** The same target, with the account as `me`. */
export function asMe(target: Target): Target {
  return { ...target, ids: { ...target.ids, users: "me" } };
}

/** True if the operation can be sent for another user's resources. */
export function canTargetOthers({ path, documented }: Operation): boolean {
  return path.includes("{") || SAMPLES[documented.operationId ?? ""]?.foreign !== undefined;
}

/** A valid request about the resources of a target. `isOwn` if the caller is the target. */
export function sampleRequest(
  document: OpenApiDocument,
  operation: Operation,
  target: Target,
  isOwn: boolean,
) {
  const { body, foreign, own } = SAMPLES[operation.documented.operationId ?? ""] ?? {};
  const more = (isOwn ? own : foreign)?.(target) ?? {};
  const whole = body ?? (sampleBody(document, operation) as Record<string, unknown> | undefined);
  return {
    path: fillPath(operation, target) + (more.query ?? ""),
    method: operation.method,
    ...(whole !== undefined && { body: { ...whole, ...more.body } }),
  };
}

function fillPath(operation: Operation, { ids }: Target): string {
  return operation.path.replaceAll(/([\w-]+)\/\{(\w+)\}/g, (_, collection, parameter) => {
    const example = sampleParameter(operation, parameter);
    const value = ids[collection] ?? (example === "me" ? ids.users : example);
    if (value !== undefined) return `${collection}/${encodeURIComponent(value)}`;
    throw new Error(
      `no sample for {${parameter}} of ${operation.name}: add an example to it, or an id for its collection to test/support/samples.ts`,
    );
  });
}
