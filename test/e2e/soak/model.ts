/** A session as its owner holds it. */
export interface Session {
  id: string;
  token: string;
  refreshToken: string;
  isLive: boolean;
}

/** An API key as its owner holds it. */
interface Key {
  id: string;
  key: string;
  isLive: boolean;
}

/** An authenticator app, and the step of the last code that was used. */
interface App {
  secret: string;
  lastStep: number;
}

/** What must be true of one person. Only one operation at a time has a person. */
export interface Person {
  id: string;
  username: string;
  email: string;
  /** Undefined once the first proof of the address has voided it. */
  password: string | undefined;
  firstName: string | null;
  role: string;
  isActive: boolean;
  isVerified: boolean;
  /** Whether the link that verifies the address works: what changes an account voids it. */
  hasLink: boolean;
  state: "living" | "deleted" | "erased";
  sessions: Session[];
  keys: Key[];
  app: App | undefined;
  /** Where they log in from. */
  ip: string;
  /** Wrong passwords since the last login. */
  failures: number;
  /** When a link or a code was last sent, in milliseconds: there is one email of a kind per minute. */
  mailedAt: number;
}

/** What must be true of the service, as far as it was told. */
export class Model {
  readonly people: Person[] = [];
  /** How many audit events there must be, by target and action. */
  readonly events = new Map<string, number>();
  /** What analytics must have counted today. */
  readonly today = { registrations: 0, logins: 0, failed_logins: 0, deletions: 0 };

  add(fields: Pick<Person, "id" | "username" | "email" | "password"> & Partial<Person>): Person {
    const person: Person = {
      firstName: null,
      role: "user",
      isActive: true,
      isVerified: false,
      hasLink: false,
      state: "living",
      sessions: [],
      keys: [],
      app: undefined,
      ip: toAddress(this.people.length),
      failures: 0,
      mailedAt: 0,
      ...fields,
    };
    this.people.push(person);
    return person;
  }

  /** Expects one more event. */
  expect(target: { id: string }, ...actions: readonly string[]): void {
    for (const action of actions) {
      const name = `${target.id} ${action}`;
      this.events.set(name, (this.events.get(name) ?? 0) + 1);
    }
  }

  /** Those who are not deleted. */
  living(): Person[] {
    return this.people.filter(({ state }) => state === "living");
  }
}

// Networks are /24, so that nobody is locked out because of others.
function toAddress(index: number): string {
  return `10.${(index >> 8) & 255}.${index & 255}.7`;
}

/** The sessions of a person that are live. */
export function liveSessions({ sessions }: Person): Session[] {
  return sessions.filter(({ isLive }) => isLive);
}

/** Ends sessions of a person, all but one or all. */
export function endSessions({ sessions }: Person, kept?: Session): void {
  for (const session of sessions) if (session !== kept) session.isLive = false;
}

/** Revokes all keys of a person. */
export function endKeys({ keys }: Person): void {
  for (const key of keys) key.isLive = false;
}
