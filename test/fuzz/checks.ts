import { type AccessRule, readAccessRule } from "../../scripts/lib/access-matrix.ts";
import type { createComparison } from "../support/comparison.ts";
import type { Actor, ActorKind } from "./actors.ts";
import { type Incoming, type Outgoing, toUrl } from "./http.ts";
import type { Prepared } from "./outgoing.ts";
import type { Target } from "./plans.ts";
import { CANARIES } from "./victims.ts";
import type { World } from "./world.ts";

/** What must hold for a response. */
export interface Judge {
  compare: ReturnType<typeof createComparison>;
  world: World;
  /** Texts that no response may contain. */
  secrets: readonly string[];
  origin: URL;
}

/** The actors who may see what of others, unless the roles have been changed since. */
const MAY_SEE: Readonly<Record<ActorKind, readonly (keyof typeof CANARIES)[]>> = {
  anonymous: [],
  user: [],
  "user key": [],
  moderator: ["personal"],
  "moderator key": ["personal"],
  admin: ["personal", "private"],
  "admin key": ["personal", "private"],
};

/** Finds what is wrong with a response. */
export function findFaults(
  judge: Judge,
  { actor, target, prepared }: { actor: Actor; target: Target; prepared: Prepared },
  got: Incoming,
): string[] {
  const { method, path } = prepared.outgoing;
  const { pathname } = toUrl(judge.origin, path);
  const { status, headers, text } = got;
  const faults = status >= 500 ? [`the service answers ${status}`] : [];
  if (!prepared.isOdd || !isRewritten(path, pathname)) {
    faults.push(...judge.compare({ method, path: pathname, status, headers, text }).faults);
  }
  if (status >= 400 && method !== "HEAD") faults.push(...findProblemFaults(got));
  if (!headers.has("X-Request-Id")) faults.push("no X-Request-Id");
  faults.push(...findLeaks(judge, actor, prepared.outgoing, got));
  if (!prepared.isOdd && status < 400 && isForbidden(actor, target)) {
    faults.push(
      `${actor.kind} gets ${status} from an operation with ${target.documented["x-permission"]}`,
    );
  }
  return faults;
}

// A path that a server could understand in several ways is not compared with the operation that it would be otherwise.
const isRewritten = (path: string, pathname: string) => path.split("?")[0] !== pathname;

function findProblemFaults({ headers, text }: Incoming): string[] {
  const type = headers.get("Content-Type");
  if (type !== "application/problem+json") return [`an error with the content type ${type}`];
  const { code, request_id } = JSON.parse(text);
  const isOwn = request_id === headers.get("X-Request-Id") || headers.has("Idempotency-Replayed");
  const faults = isOwn ? [] : ["another request_id"];
  return code === "internal_error" ? [...faults, "internal_error"] : faults;
}

// What the request has, its sender knows: an address that an administrator has freed can be registered, and is in the response.
function findLeaks(
  { secrets, world }: Judge,
  { kind, account }: Actor,
  sent: Outgoing,
  { headers, text }: Incoming,
): string[] {
  const all = `${[...headers.values()].join("\n")}\n${text}`;
  const known = new Set(toWords(`${sent.path}\n${sent.body ?? ""}`));
  const words = toWords(all).filter((word) => !known.has(word));
  const unknown = words.join("\n");
  const isOther = (word: string) => (world.owners.get(word) ?? account.id) !== account.id;
  const hidden = (Object.keys(CANARIES) as (keyof typeof CANARIES)[]).filter(
    (level) => !MAY_SEE[kind].includes(level),
  );
  return [
    ...hidden
      .flatMap((level) => CANARIES[level])
      .filter((canary) => unknown.includes(canary))
      .map((canary) => `${kind} sees ${canary} of another person`),
    ...(MAY_SEE[kind].length === 0 && words.some(isOther) ? [`${kind} sees another person`] : []),
    ...secrets.filter((secret) => all.includes(secret)).map(() => `${kind} sees a stored secret`),
  ];
}

function toWords(text: string): string[] {
  return text.toLowerCase().split(/["\s,\\/?&=]+/);
}

const rules = new Map<string, AccessRule>();

/** Whether an actor can never succeed with an operation. */
function isForbidden({ kind, headers }: Actor, { name, documented }: Target): boolean {
  const rule = rules.get(name) ?? readAccessRule(name, documented);
  rules.set(name, rule);
  const isOpen =
    rule.kind === "public" || documented.security?.some((s) => Object.keys(s).length === 0);
  if (isOpen) return false;
  if (Object.keys(headers).length === 0) return true;
  if (kind.endsWith("key") && !rule.takesKeys) return true;
  return rule.kind === "permission" && (kind === "user" || kind === "user key");
}
