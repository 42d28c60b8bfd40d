import assert from "node:assert/strict";
import { codeOf } from "../totp.ts";
import { endSessions, liveSessions, type Person } from "./model.ts";
import type { Answer } from "./service.ts";
import {
  addSession,
  expectStatus,
  hasPassword,
  isAble,
  isLoggedIn,
  type Operation,
  pickSession,
  type World,
} from "./world.ts";

const STEP_MS = 30_000;
const MAX_SESSIONS = 8;
/** Fewer than what locks a person's network out. */
const MAX_FAILURES = 7;

/** A code of the person's app that was not used yet; undefined if there is none now. */
export function nextCode(person: Person): string | undefined {
  if (!person.app) return undefined;
  const now = Math.floor(Date.now() / STEP_MS);
  const step = Math.max(now, person.app.lastStep + 1);
  if (step > now + 1) return undefined;
  person.app.lastStep = step;
  return codeOf(person.app.secret, step - now);
}

/** Sends the password, and the second factor if there is one. Undefined if the person has no code now. */
export async function logIn({ send, model }: World, person: Person): Promise<Answer | undefined> {
  const { password, email, username, ip } = person;
  const name = username.length % 2 ? { username } : { email: email.toUpperCase() };
  const first = await send("/v1/auth/login", { body: { ...name, password }, ip });
  const answer = person.app ? await addFactor({ send }, person, first) : first;
  if (!answer) return undefined;
  expectStatus(answer, 200, "login");
  model.expect(person, "auth.login_succeeded");
  model.today.logins += 1;
  addSession(person, answer.body);
  return answer;
}

/** Completes a login that needs a second factor. Undefined if the person has no code now. */
export async function addFactor(
  { send }: Pick<World, "send">,
  person: Person,
  first: Answer,
): Promise<Answer | undefined> {
  expectStatus(first, 401, "login without the second factor");
  assert.equal(first.body.code, "mfa_required");
  person.failures = 0;
  const code = nextCode(person);
  if (code === undefined) return undefined;
  const body = { mfa_token: first.body.mfa_token, method: "totp", code };
  return send("/v1/auth/mfa/verify", { body, ip: person.ip });
}

async function failLogin({ send, model }: World, person: Person): Promise<void> {
  const { username, ip } = person;
  const body = { username, password: "a wrong guess" };
  expectStatus(await send("/v1/auth/login", { body, ip }), 401, "a wrong password");
  person.failures += 1;
  model.today.failed_logins += 1;
  model.expect(person, "auth.login_failed");
}

async function refresh(world: World, person: Person): Promise<void> {
  const session = pickSession(world, person);
  const body = { refresh_token: session.refreshToken };
  const answer = await world.send("/v1/auth/refresh", { body });
  expectStatus(answer, 200, "refresh");
  session.token = answer.body.access_token;
  session.refreshToken = answer.body.refresh_token;
}

/** Several at once, one of whose answers is lost, and a retry: all get one successor. */
async function refreshTogether(world: World, person: Person): Promise<void> {
  const session = pickSession(world, person);
  const body = { refresh_token: session.refreshToken };
  const lost = world.send("/v1/auth/refresh", { body, isLost: true });
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => world.send("/v1/auth/refresh", { body })),
  );
  expectStatus(await lost, 200, "a refresh whose answer is lost");
  const retried = await world.send("/v1/auth/refresh", { body });
  for (const answer of [...answers, retried]) expectStatus(answer, 200, "a parallel refresh");
  const successors = new Set([...answers, retried].map((answer) => answer.body.refresh_token));
  assert.equal(successors.size, 1, `${successors.size} successors of one refresh token`);
  session.token = retried.body.access_token;
  session.refreshToken = retried.body.refresh_token;
}

/** A token of two refreshes ago ends the session. */
async function reuse(world: World, person: Person): Promise<void> {
  const session = pickSession(world, person);
  const old = session.refreshToken;
  let body = { refresh_token: old };
  for (let i = 0; i < 2; i += 1) {
    const answer = await world.send("/v1/auth/refresh", { body });
    expectStatus(answer, 200, "refresh before a reuse");
    body = { refresh_token: answer.body.refresh_token };
    session.token = answer.body.access_token;
  }
  const reused = await world.send("/v1/auth/refresh", { body: { refresh_token: old } });
  expectStatus(reused, 401, "a reused refresh token");
  session.isLive = false;
  world.model.expect(person, "session.reuse_detected");
  expectStatus(await world.send("/v1/auth/refresh", { body }), 401, "refresh after a reuse");
}

async function logOut(world: World, person: Person): Promise<void> {
  const session = pickSession(world, person);
  const { token } = session;
  const answers = await Promise.all([
    world.send("/v1/auth/logout", { method: "POST", token }),
    world.send("/v1/auth/logout", { method: "POST", token }),
  ]);
  const statuses = answers.map(({ status }) => status).sort();
  assert.ok(statuses[0] === 204 && [204, 401].includes(statuses[1] ?? 0), `logout: ${statuses}`);
  session.isLive = false;
  world.model.expect(person, "session.revoked");
  expectStatus(await world.send("/v1/users/me", { token }), 401, "a token after logout");
}

async function endOthers(world: World, person: Person): Promise<void> {
  const session = pickSession(world, person);
  const { token } = session;
  const hasOthers = liveSessions(person).length > 1;
  const answer = await world.send("/v1/auth/sessions", { method: "DELETE", token });
  expectStatus(answer, 204, "ending other sessions");
  endSessions(person, session);
  if (hasOthers) world.model.expect(person, "session.revoked");
}

async function introspect(world: World, person: Person): Promise<void> {
  const { token } = pickSession(world, person);
  const admin = world.admin.sessions.at(-1)?.token;
  const answer = await world.send("/v1/auth/introspect", { body: { token }, token: admin });
  expectStatus(answer, 200, "introspection");
  assert.equal(answer.body.active, true, "a live token is active");
  assert.equal(answer.body.sub, person.id);
}

async function readSelf(world: World, person: Person): Promise<void> {
  const { token } = pickSession(world, person);
  const answer = await world.send("/v1/auth/me", { token });
  expectStatus(answer, 200, "reading oneself");
  const { user } = answer.body;
  assert.deepEqual(
    [user.id, user.username, user.first_name, user.role],
    [person.id, person.username, person.firstName, person.role],
  );
  const listed = await world.send("/v1/auth/sessions?limit=100", { token });
  assert.equal(listed.body.data.length, liveSessions(person).length, "one's own sessions");
}

const hasRoom = (person: Person) => liveSessions(person).length < MAX_SESSIONS;

export const SESSION_OPERATIONS: readonly Operation[] = [
  {
    name: "login",
    weight: 14,
    isFor: (person) => isAble(person) && hasPassword(person) && hasRoom(person),
    run: async (world, person) => {
      await logIn(world, person);
    },
  },
  {
    name: "login, twice at once",
    weight: 3,
    isFor: (person) => isAble(person) && hasPassword(person) && hasRoom(person) && !person.app,
    run: async (world, person) => {
      await Promise.all([logIn(world, person), logIn(world, person)]);
    },
  },
  {
    name: "login with a wrong password",
    weight: 3,
    isFor: (person) => isAble(person) && person.failures < MAX_FAILURES,
    run: failLogin,
  },
  { name: "refresh", weight: 14, isFor: isLoggedIn, run: refresh },
  {
    name: "refresh in parallel, with a lost answer",
    weight: 5,
    isFor: isLoggedIn,
    run: refreshTogether,
  },
  { name: "reuse of a refresh token", weight: 2, isFor: isLoggedIn, run: reuse },
  { name: "logout, twice at once", weight: 6, isFor: isLoggedIn, run: logOut },
  { name: "ending other sessions", weight: 2, isFor: isLoggedIn, run: endOthers },
  { name: "introspection", weight: 6, isFor: isLoggedIn, run: introspect },
  { name: "reading oneself", weight: 10, isFor: isLoggedIn, run: readSelf },
];
