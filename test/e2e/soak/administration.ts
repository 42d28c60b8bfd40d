import assert from "node:assert/strict";
import { endKeys, endSessions, type Person } from "./model.ts";
import type { Call } from "./service.ts";
import { adminToken, expectStatus, isAble, newName, type Operation, type World } from "./world.ts";

const isLiving = ({ state, role }: Person) => state === "living" && role !== "admin";

const asAdmin = (world: World, path: string, call: Call = {}) =>
  world.send(path, { ...call, token: adminToken(world) });

function deactivate({ model }: Pick<World, "model">, person: Person, isActive: boolean): void {
  if (person.isActive === isActive) return;
  person.isActive = isActive;
  if (!isActive) {
    person.hasLink = false;
    endSessions(person);
  }
  model.expect(person, "user.updated");
}

function assign({ model }: Pick<World, "model">, person: Person, role: string): void {
  if (person.role === role) return;
  person.role = role;
  person.hasLink = false;
  endSessions(person);
  model.expect(person, "user.role_changed");
}

function remove({ model }: Pick<World, "model">, person: Person): void {
  person.state = "deleted";
  person.hasLink = false;
  endSessions(person);
  endKeys(person);
  model.expect(person, "user.deleted");
  model.today.deletions += 1;
}

async function changeRole(world: World, person: Person): Promise<void> {
  const role = person.role === "user" ? "moderator" : "user";
  const path = `/v1/users/${person.id}/role`;
  const answer = await asAdmin(world, path, { method: "PUT", body: { role } });
  expectStatus(answer, 200, "assigning a role");
  assign(world, person, role);
}

async function changeActivity(world: World, person: Person): Promise<void> {
  const is_active = !person.isActive;
  const path = `/v1/users/${person.id}`;
  const answer = await asAdmin(world, path, { method: "PATCH", body: { is_active } });
  expectStatus(answer, 200, "(de)activating a user");
  deactivate(world, person, is_active);
}

async function deleteUser(world: World, person: Person): Promise<void> {
  const path = `/v1/users/${person.id}`;
  const answers = await Promise.all([
    asAdmin(world, path, { method: "DELETE" }),
    asAdmin(world, path, { method: "DELETE" }),
  ]);
  const statuses = answers.map(({ status }) => status).sort();
  assert.deepEqual(statuses, [204, 404], "one deletion of two");
  remove(world, person);
}

async function restoreUser(world: World, person: Person): Promise<void> {
  const path = `/v1/users/${person.id}/restore`;
  expectStatus(await asAdmin(world, path, { method: "POST" }), 200, "restoring a user");
  person.state = "living";
  world.model.expect(person, "user.restored");
}

async function eraseUser(world: World, person: Person): Promise<void> {
  const path = `/v1/users/${person.id}/erase`;
  const wasLiving = person.state === "living";
  expectStatus(await asAdmin(world, path, { method: "POST" }), 204, "erasing a user");
  person.state = "erased";
  endSessions(person);
  endKeys(person);
  world.model.expect(person, "user.erased");
  if (wasLiving) world.model.today.deletions += 1;
}

const BULK = ["activate", "deactivate", "set_role"] as const;

async function changeInBulk(world: World, person: Person): Promise<void> {
  const action = BULK[world.random(BULK.length)] ?? "activate";
  const role = world.random(2) ? "user" : "moderator";
  const body = { ids: [person.id], action, ...(action === "set_role" && { role }) };
  const answer = await asAdmin(world, "/v1/users/bulk", { body });
  expectStatus(answer, 200, "bulk");
  const isChange =
    action === "set_role" ? person.role !== role : person.isActive !== (action === "activate");
  assert.equal(answer.body.data[0].status, isChange ? "done" : "unchanged", action);
  if (action === "set_role") assign(world, person, role);
  else deactivate(world, person, action === "activate");
}

/** Imports three people, twice at once with one Idempotency-Key. */
async function importPeople(world: World): Promise<void> {
  const rows = Array.from({ length: 3 }, () => {
    const username = newName();
    const password = `an imported secret ${crypto.randomUUID()}`;
    return { username, email: `${username}@example.com`, password, email_verified: true };
  });
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const call = { body: { data: [...rows, { email: "not an address" }] }, headers };
  const answers = await Promise.all([
    asAdmin(world, "/v1/users/import", call),
    asAdmin(world, "/v1/users/import", call),
  ]);
  const done = answers.find(({ status }) => status === 200);
  assert.ok(done, `import: ${answers.map(({ status, text }) => `${status} ${text}`)}`);
  assert.deepEqual([done.body.created, done.body.rejected], [3, 1]);
  for (const [index, row] of rows.entries()) {
    const { email_verified: isVerified, ...names } = row;
    const person = world.model.add({ id: done.body.data[index].id, ...names, isVerified });
    world.model.expect(person, "user.created");
  }
}

async function exportPerson(world: World, person: Person): Promise<void> {
  const answer = await asAdmin(world, `/v1/users/${person.id}/export`);
  expectStatus(answer, 200, "an export");
  assert.equal(answer.body.user.id, person.id);
  assert.equal(answer.body.user.first_name, person.firstName);
  world.model.expect(person, "user.exported");
}

/** Walks the list while others write: whoever is there all the time is in it once. */
async function walkUsers(world: World): Promise<void> {
  const before = world.model.living();
  const seen: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const path: string = `/v1/users?limit=50&sort=created_at${cursor && `&cursor=${cursor}`}`;
    const { status, body } = await asAdmin(world, path);
    assert.equal(status, 200, "a page of users");
    seen.push(...body.data.map(({ id }: { id: string }) => id));
    cursor = body.pagination.next_cursor;
  }
  const found = new Set(seen);
  assert.equal(found.size, seen.length, "a list shows someone twice");
  const lost = before.filter(({ id, state }) => state === "living" && !found.has(id));
  assert.deepEqual(
    lost.map(({ username }) => username),
    [],
    "a list leaves someone out",
  );
}

export const ADMIN_OPERATIONS: readonly Operation[] = [
  { name: "assigning a role", weight: 2, isFor: isLiving, run: changeRole },
  { name: "(de)activating", weight: 4, isFor: isLiving, run: changeActivity },
  {
    name: "activating again",
    weight: 4,
    isFor: (person) => isLiving(person) && !person.isActive,
    run: changeActivity,
  },
  { name: "bulk change", weight: 3, isFor: isLiving, run: changeInBulk },
  { name: "deletion, twice at once", weight: 2, isFor: isLiving, run: deleteUser },
  { name: "restoring", weight: 2, isFor: ({ state }) => state === "deleted", run: restoreUser },
  {
    name: "erasing",
    weight: 1,
    isFor: ({ state, role }) => state !== "erased" && role !== "admin",
    run: eraseUser,
  },
  { name: "import, twice at once", weight: 1, isFor: isAble, run: importPeople },
  { name: "export of a person", weight: 2, isFor: isLiving, run: exportPerson },
  { name: "walk through all users", weight: 1, isFor: isAble, run: walkUsers },
];
