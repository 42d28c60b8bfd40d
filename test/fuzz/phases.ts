import { get } from "./actors.ts";
import type { Phase } from "./run.ts";
import type { Service } from "./service.ts";
import { findActor, type World } from "./world.ts";

const END_OF_TRAIL = "g";

const PEOPLE: Phase = {
  name: "people",
  kinds: ["anonymous", "user", "user", "user key"],
  share: 0.5,
  permissionWeight: 0.4,
};
const MODERATORS: Phase = {
  name: "moderators",
  kinds: ["moderator", "moderator key"],
  share: 0.15,
  permissionWeight: 1,
};
const ADMINISTRATORS: Phase = {
  name: "administrators",
  kinds: ["admin", "admin", "admin", "admin key", "user"],
  share: 0.35,
  permissionWeight: 2,
};

/** Runs the phases, and checks between them what must have stayed as it was. */
export async function runPhases(
  service: Service,
  world: World,
  run: (phase: Phase) => Promise<void>,
): Promise<string[]> {
  const before = await Promise.all(world.victims.map((victim) => victim.read()));
  const roles = await readRoles(world);
  const violations: string[] = [];
  await run(PEOPLE);
  const trail = await service.digestTrail(END_OF_TRAIL);
  for (const [i, victim] of world.victims.entries()) {
    const now = await victim.read();
    if (now !== before[i]) violations.push(`a victim was changed:\n${before[i]}\n${now}`);
  }
  await run(MODERATORS);
  const admin = world.victims.findIndex(({ role }) => role === "admin");
  if ((await world.victims[admin]?.read()) !== before[admin]) {
    violations.push("moderators have changed an administrator");
  }
  violations.push(...(await findPromoted(world)));
  if ((await readRoles(world)) !== roles) violations.push("the roles were changed");
  await run(ADMINISTRATORS);
  const now = await service.digestTrail(trail.last);
  if (now.digest !== trail.digest) violations.push("audit events were changed or deleted");
  violations.push(...(await readTrail(service, world)));
  return violations;
}

async function readRoles(world: World): Promise<string> {
  const { headers } = await findActor(world, new Map(), "admin");
  const { data } = await get(world.send, "/v1/roles?limit=100", headers);
  return JSON.stringify(data);
}

/** Everyone with a role that nobody has given them. */
async function findPromoted(world: World): Promise<string[]> {
  const { headers } = await findActor(world, new Map(), "admin");
  const found: string[] = [];
  for (const role of ["moderator", "admin"]) {
    let cursor = "";
    do {
      const path = `/v1/users?limit=100&role=${role}${cursor && `&cursor=${cursor}`}`;
      const { data, pagination } = await get(world.send, path, headers);
      for (const { id, username } of data) {
        if (!world.privileged.has(id)) found.push(`${username} has become ${role}`);
      }
      cursor = pagination.next_cursor ?? "";
    } while (cursor);
  }
  return found;
}

/** An administrator can read every event. */
async function readTrail(service: Service, world: World): Promise<string[]> {
  const { headers } = await findActor(world, new Map(), "admin");
  const path = "/v1/audit-events?format=ndjson";
  const { count } = await service.digestTrail(END_OF_TRAIL);
  const { status, text } = await world.send({ method: "GET", path, headers, body: undefined });
  const lines = text.trimEnd().split("\n").length;
  if (status === 200 && lines >= count) return [];
  return [`the export of the audit trail answers ${status} with ${lines} of ${count} events`];
}
