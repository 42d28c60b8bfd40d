import { decodeJwt } from "jose";
import { createTestKey } from "./credentials.ts";
import { createRoleRow, type TestUser } from "./fixtures.ts";
import { type OpenApiDocument, type Operation, sampleBody, sampleParameter } from "./openapi.ts";

/** Whose things a request is about. */
export interface Target {
  user: Pick<TestUser, "id" | "username" | "email">;
  /** Ids of what they have, by the collection in the path. */
  ids: Readonly<Record<string, string>>;
}

interface Sample {
  /** What the examples of the document do not say. */
  body?: Record<string, unknown>;
  /** What makes a request one about another's things, where `{id}` alone does not. */
  foreign?: (target: Target) => Addition;
  /** What makes a request one that its owner may send. */
  own?: (target: Target) => Addition;
}

interface Addition {
  query?: string;
  body?: Record<string, unknown>;
}

const SAMPLES: Readonly<Record<string, Sample>> = {
  refresh: { body: { refresh_token: "rrt_nobody" } },
  replaceUser: { foreign: keepEmail, own: keepEmail },
  createRole: { body: { name: "support", permissions: [] } },
  replaceRole: { body: { permissions: [] } },
  createApiKey: {
    body: { name: "Nightly export", scopes: [] },
    foreign: ({ user }) => ({ body: { user_id: user.id } }),
  },
  listApiKeys: { foreign: ({ user }) => ({ query: `?user_id=${user.id}` }) },
};

// The email has a flow of its own, and is none of a key's business.
function keepEmail({ user: { email } }: Target): Addition {
  return { body: { email } };
}

const NOBODYS = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11";

/** Nothing of this is there. */
export const NOTHING: Target = {
  user: { id: NOBODYS, username: "nobody", email: "nobody@example.com" },
  ids: { users: NOBODYS, sessions: NOBODYS, "api-keys": NOBODYS, roles: "nobodys" },
};

let roles = 0;

/** Someone's account, their session and a key of theirs, and a role that nobody has. */
export async function targetOf(user: TestUser): Promise<Target> {
  const { id } = await createTestKey(user, []);
  roles += 1;
  await createRoleRow(`unused${roles}`, []);
  const sessionId = String(decodeJwt(user.token).sid);
  return {
    user,
    ids: { users: user.id, sessions: sessionId, "api-keys": id, roles: `unused${roles}` },
  };
}

/** The same, the account by its other name. */
export function asMe(target: Target): Target {
  return { ...target, ids: { ...target.ids, users: "me" } };
}

/** True for an operation on what may be another's. */
export function isAboutSomeone({ path, documented }: Operation): boolean {
  return path.includes("{") || SAMPLES[documented.operationId ?? ""]?.foreign !== undefined;
}

/** A request that passes validation, about the things of a target. `isOwn` for one's own. */
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
      `nothing to send as {${parameter}} of ${operation.name}: give it an example, or its collection an id in test/support/samples.ts`,
    );
  });
}
