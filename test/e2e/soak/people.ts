import assert from "node:assert/strict";
import { endKeys, endSessions, liveSessions, type Person } from "./model.ts";
import { addFactor, nextCode } from "./sessions.ts";
import {
  addSession,
  expectStatus,
  hasPassword,
  isAble,
  isLoggedIn,
  newName,
  type Operation,
  pickSession,
  type World,
} from "./world.ts";

/** One email of a kind goes to an address per minute, five per hour. */
const MAIL_MS = 65_000;
const MAX_KEYS = 4;
const SELF = ["me:read"];

/** Registers someone, half of the time twice at once with one Idempotency-Key, which must make one account. */
export async function register(world: World): Promise<Person> {
  const { send, model, random } = world;
  const username = newName();
  const account = { username, email: `${username}@example.com`, password: "a fine secret to soak" };
  const body = { ...account, first_name: "Ada" };
  const ip = `198.51.${random(250)}.${random(250)}`;
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const copies = 1 + random(2);
  const answers = await Promise.all(
    Array.from({ length: copies }, () => send("/v1/auth/register", { body, ip, headers })),
  );
  const created = answers.filter(({ status }) => status === 201);
  for (const { status, text } of answers) {
    assert.ok(status === 201 || status === 409, `register: ${status} ${text}`);
  }
  const ids = new Set(created.map((answer) => answer.body.id));
  assert.equal(ids.size, 1, `one key made ${ids.size} accounts`);
  const [id] = ids;
  const person = model.add({
    id,
    ...account,
    firstName: "Ada",
    hasLink: true,
    mailedAt: Date.now(),
  });
  model.expect(person, "user.created");
  model.today.registrations += 1;
  const again = await send("/v1/auth/register", { body, ip: "203.0.113.9" });
  expectStatus(again, 409, "a second registration");
  return person;
}

async function verifyEmail({ send, model, outbox }: World, person: Person): Promise<void> {
  const token = outbox.find(person.email, /\/verify-email#token=(\S+)/);
  if (!token) return;
  const answers = await Promise.all([
    send("/v1/auth/email/verify", { body: { token } }),
    send("/v1/auth/email/verify", { body: { token } }),
  ]);
  const statuses = answers.map(({ status }) => status).sort();
  assert.deepEqual(statuses, [200, 400], "one verification of two");
  person.isVerified = true;
  model.expect(person, "email.verified");
}

async function rename(world: World, person: Person): Promise<void> {
  const { token } = pickSession(world, person);
  const first_name = newName();
  const answer = await world.send("/v1/users/me", { method: "PATCH", token, body: { first_name } });
  expectStatus(answer, 200, "PATCH of oneself");
  person.firstName = first_name;
  world.model.expect(person, "user.updated");
}

/** Two PUTs with one ETag: one wins. */
async function replaceTwice(world: World, person: Person): Promise<void> {
  const { token } = pickSession(world, person);
  const { headers, body } = await world.send("/v1/users/me", { token });
  const { username, email, role, is_active } = body;
  const names = [newName(), newName()];
  const answers = await Promise.all(
    names.map((first_name) =>
      world.send("/v1/users/me", {
        method: "PUT",
        token,
        headers: { "If-Match": headers.get("ETag") ?? "" },
        body: { username, email, first_name, last_name: null, role, is_active },
      }),
    ),
  );
  const statuses = answers.map(({ status }) => status).sort();
  assert.deepEqual(statuses, [200, 412], "two PUTs with one ETag");
  const winner = answers.findIndex(({ status }) => status === 200);
  person.firstName = names[winner] ?? null;
  world.model.expect(person, "user.updated");
}

async function changeProfile(world: World, person: Person): Promise<void> {
  const { token } = pickSession(world, person);
  const body = { bio: newName() };
  const answer = await world.send("/v1/users/me/profile", { method: "PATCH", token, body });
  expectStatus(answer, 200, "PATCH of the profile");
  assert.equal(answer.body.bio, body.bio);
  world.model.expect(person, "user.updated");
}

async function changePassword(world: World, person: Person): Promise<void> {
  const session = pickSession(world, person);
  const { token } = session;
  const body = {
    current_password: person.password,
    new_password: `a new secret ${crypto.randomUUID()}`,
  };
  const answer = await world.send("/v1/auth/password/change", { body, token });
  expectStatus(answer, 204, "password change");
  person.password = body.new_password;
  endSessions(person, session);
  world.model.expect(person, "password.changed");
}

/** Resets the password by email. For an address that nobody has proven, this is the first proof. */
async function resetPassword({ send, model, outbox }: World, person: Person): Promise<void> {
  const { email } = person;
  const asked = Date.now();
  person.mailedAt = asked;
  expectStatus(await send("/v1/auth/password/forgot", { body: { email } }), 202, "forgot");
  model.expect(person, "password.reset_requested");
  const token = await outbox.waitFor(email, /\/reset-password#token=(\S+)/, asked);
  if (!token) return;
  const body = { token, password: `a reset secret ${crypto.randomUUID()}` };
  const answers = await Promise.all([
    send("/v1/auth/password/reset", { body }),
    send("/v1/auth/password/reset", { body }),
  ]);
  const statuses = answers.map(({ status }) => status).sort();
  assert.deepEqual(statuses, [204, 400], "one reset of two");
  person.password = body.password;
  person.failures = 0;
  endSessions(person);
  model.expect(person, "password.reset");
  if (!person.isVerified) proveAddress({ model }, person);
}

// Whoever registered the address may have been a stranger.
function proveAddress({ model }: Pick<World, "model">, person: Person): void {
  person.isVerified = true;
  person.app = undefined;
  endSessions(person);
  endKeys(person);
  model.expect(person, "email.verified");
}

async function logInByEmail(world: World, person: Person): Promise<void> {
  const { send, model, outbox } = world;
  const { email } = person;
  const asked = Date.now();
  person.mailedAt = asked;
  const begun = await send("/v1/auth/email-login", { body: { email } });
  expectStatus(begun, 202, "a request to log in by email");
  const code = await outbox.waitFor(email, /(?<!\S)(\d{6})(?!\S)/, asked);
  if (!code) return;
  const body = { login_token: begun.body.login_token, code };
  const first = await send("/v1/auth/email-login/verify", { body, ip: person.ip });
  const isFirstProof = !person.isVerified;
  if (isFirstProof) {
    proveAddress({ model }, person);
    person.password = undefined;
  }
  const answer = person.app ? await addFactor(world, person, first) : first;
  if (!answer) return;
  expectStatus(answer, 200, "login by email");
  model.expect(person, "auth.login_succeeded");
  model.today.logins += 1;
  addSession(person, answer.body);
}

async function useKeys(world: World, person: Person): Promise<void> {
  const { send, model } = world;
  const { token } = pickSession(world, person);
  const live = person.keys.filter(({ isLive }) => isLive);
  const [key] = live;
  if (!key || (live.length < MAX_KEYS && world.random(2))) {
    const body = { name: "Soak", scopes: SELF };
    const headers = { "Idempotency-Key": crypto.randomUUID() };
    const created = await send("/v1/api-keys", { body, token, headers });
    expectStatus(created, 201, "creating a key");
    const again = await send("/v1/api-keys", { body, token, headers });
    assert.equal(again.body.key, created.body.key, "the key of a repeated request");
    person.keys.push({ id: created.body.id, key: created.body.key, isLive: true });
    model.expect(created.body, "api_key.created");
    return;
  }
  expectStatus(await send("/v1/users/me", { key: key.key }), 200, "reading with a key");
  if (world.random(2)) {
    const rotated = await send(`/v1/api-keys/${key.id}/rotate`, { method: "POST", token });
    expectStatus(rotated, 200, "rotating a key");
    expectStatus(await send("/v1/users/me", { key: key.key }), 401, "a rotated key");
    key.key = rotated.body.key;
    model.expect(key, "api_key.rotated");
    return;
  }
  const revoked = await send(`/v1/api-keys/${key.id}`, { method: "DELETE", token });
  expectStatus(revoked, 204, "revoking a key");
  key.isLive = false;
  model.expect(key, "api_key.revoked");
}

async function addApp(world: World, person: Person): Promise<void> {
  const { send, model } = world;
  const { token } = pickSession(world, person);
  const added = await send("/v1/auth/factors/totp", { body: {}, token });
  expectStatus(added, 201, "adding an app");
  const { id, secret } = added.body;
  person.app = { secret, lastStep: 0 };
  const code = nextCode(person);
  const confirmed = await send("/v1/auth/factors/totp/confirm", { body: { id, code }, token });
  expectStatus(confirmed, 200, "confirming an app");
  model.expect(person, "factor.added", "recovery_codes.generated");
}

async function stepUp(world: World, person: Person): Promise<void> {
  const session = pickSession(world, person);
  const code = nextCode(person);
  if (person.app && code === undefined) return;
  const proof = person.app
    ? { method: "totp", code }
    : { method: "password", password: person.password };
  const answer = await world.send("/v1/auth/step-up", { body: proof, token: session.token });
  expectStatus(answer, 200, "step-up");
  session.token = answer.body.access_token;
  world.model.expect(person, "auth.stepped_up");
}

const mayMail = (person: Person) => isAble(person) && Date.now() - person.mailedAt > MAIL_MS;

export const PEOPLE_OPERATIONS: readonly Operation[] = [
  { name: "PATCH of oneself", weight: 6, isFor: isLoggedIn, run: rename },
  { name: "two PUTs with one ETag", weight: 5, isFor: isLoggedIn, run: replaceTwice },
  { name: "PATCH of the profile", weight: 4, isFor: isLoggedIn, run: changeProfile },
  {
    name: "password change",
    weight: 2,
    isFor: (person) => isLoggedIn(person) && hasPassword(person),
    run: changePassword,
  },
  { name: "password reset by email", weight: 4, isFor: mayMail, run: resetPassword },
  {
    name: "login by email",
    weight: 4,
    isFor: (person) => mayMail(person) && liveSessions(person).length < 8,
    run: logInByEmail,
  },
  {
    name: "verification of the email",
    weight: 3,
    isFor: (person) => isAble(person) && !person.isVerified && person.hasLink,
    run: verifyEmail,
  },
  {
    name: "API keys",
    weight: 8,
    // Without a second factor, a login is recent enough.
    isFor: (person) => isLoggedIn(person) && !person.app,
    run: useKeys,
  },
  {
    name: "adding an authenticator app",
    weight: 2,
    isFor: (person) => isLoggedIn(person) && !person.app && person.isVerified,
    run: addApp,
  },
  {
    name: "step-up",
    weight: 2,
    isFor: (person) => isLoggedIn(person) && hasPassword(person),
    run: stepUp,
  },
];
