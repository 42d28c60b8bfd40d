import assert from "node:assert/strict";
import type { Model, Person, Session } from "./model.ts";
import type { Outbox } from "./outbox.ts";
import type { Answer, Random, Send } from "./service.ts";

/** What an operation works with. */
export interface World {
  send: Send;
  model: Model;
  outbox: Outbox;
  random: Random;
  /** The first administrator, whom no operation changes. */
  admin: Person;
}

/** An operation on a person whom no other operation has. */
export interface Operation {
  name: string;
  /** How often it is chosen, compared with the others. */
  weight: number;
  /** Whether it can be done with a person. */
  isFor: (person: Person) => boolean;
  run: (world: World, person: Person) => Promise<void>;
}

let names = 0;

/** A name that nobody has. */
export function newName(): string {
  names += 1;
  return `p${names}x${crypto.randomUUID().slice(0, 8)}`;
}

/** Fails unless the response has the status. */
export function expectStatus(answer: Answer, status: number, what: string): void {
  assert.equal(answer.status, status, `${what}: ${answer.status} ${answer.text.slice(0, 300)}`);
}

/** The live session of the administrator. */
export function adminToken({ admin }: World): string {
  return admin.sessions.at(-1)?.token ?? "";
}

/** A live session of a person, chosen at random. */
export function pickSession({ random }: Pick<World, "random">, person: Person): Session {
  const live = person.sessions.filter(({ isLive }) => isLive);
  const session = live[random(live.length)];
  assert.ok(session, `${person.username} has no session`);
  return session;
}

/** Notes the session that tokens belong to. */
export function addSession(person: Person, body: Answer["body"]): Session {
  const [, payload = ""] = String(body.access_token).split(".");
  const { sid } = JSON.parse(Buffer.from(payload, "base64url").toString());
  const session = {
    id: sid,
    token: body.access_token,
    refreshToken: body.refresh_token,
    isLive: true,
  };
  person.sessions.push(session);
  person.failures = 0;
  return session;
}

/** True for someone who can log in. */
export function isAble({ state, isActive, role }: Person): boolean {
  return state === "living" && isActive && role !== "admin";
}

/** True for someone who is logged in. */
export function isLoggedIn(person: Person): boolean {
  return isAble(person) && person.sessions.some(({ isLive }) => isLive);
}

/** True for someone who has a password. */
export function hasPassword({ password }: Person): boolean {
  return password !== undefined;
}
