import type { Actor } from "./actors.ts";
import { PATH_CHANGES } from "./hostile.ts";
import type { Outgoing } from "./http.ts";
import type { Edit, Plan, Target } from "./plans.ts";
import { resolveRefs, type World } from "./world.ts";

/** A request as it is sent, and what its response can be judged by. */
export interface Prepared {
  outgoing: Outgoing;
  /** Whether it has another credential, method or path than the operation expects of the actor. */
  isOdd: boolean;
  /** The body before it was written as text. */
  body: unknown;
}

const FORM = "application/x-www-form-urlencoded";
const NDJSON = "application/x-ndjson";
const ODD: readonly Edit["type"][] = ["method", "path"];
const CREDENTIALS = /^(authorization|x-api-key|cookie)$/i;

/** Writes a planned request: resolves its references, and carries out its edits. */
export function prepare(world: World, actor: Actor, target: Target, plan: Plan): Prepared {
  const bare = target.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const edit = find(plan.edits, "param").findLast((one) => one.name === name);
    const value = resolveRefs(world, actor, edit?.value ?? plan.params[name], target.path);
    return encodePart(String(value));
  });
  const resolve = (value: unknown) => resolveRefs(world, actor, value, bare);
  const path = find(plan.edits, "path").reduce((now, { change }) => changePath(now, change), bare);
  const body = editBody(resolve(plan.body), plan.edits, resolve);
  const { text, contentType } = writeBody(plan, body);
  const headers: Record<string, string> = {
    ...(contentType !== undefined && text !== undefined && { "Content-Type": contentType }),
    ...toHeaders(resolve(plan.headers) as Record<string, unknown>),
    ...actor.headers,
  };
  for (const { name, value } of find(plan.edits, "header")) {
    const resolved = String(resolve(value));
    headers[name] =
      name === "Authorization" && value !== resolved ? `Bearer ${resolved}` : resolved;
  }
  const method = find(plan.edits, "method").at(-1)?.value ?? target.method;
  const query = writeQuery(resolve(plan.query) as Record<string, unknown>, plan.edits, resolve);
  const isOdd = plan.edits.some(
    (edit) => ODD.includes(edit.type) || (edit.type === "header" && CREDENTIALS.test(edit.name)),
  );
  return { outgoing: { method, path: path + query, headers, body: text }, isOdd, body };
}

function find<T extends Edit["type"]>(edits: readonly Edit[], type: T) {
  return edits.filter((edit): edit is Extract<Edit, { type: T }> => edit.type === type);
}

const changePath = (path: string, change: string) => PATH_CHANGES[change]?.(path) ?? path;

/** Lone surrogates have no encoding, and are sent as their replacement. */
const encodePart = (text: string) => encodeURIComponent(text.toWellFormed());

function toHeaders(values: Record<string, unknown>): Record<string, string> {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
}

function writeQuery(
  values: Record<string, unknown>,
  edits: readonly Edit[],
  resolve: (value: unknown) => unknown,
): string {
  const raw = find(edits, "rawQuery").at(-1)?.value;
  if (raw !== undefined) return raw;
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  for (const { name, value } of find(edits, "query")) entries.push([name, resolve(value)]);
  const pairs = entries.map(([name, value]) => `${encodePart(name)}=${encodePart(toText(value))}`);
  return pairs.length > 0 ? `?${pairs.join("&")}` : "";
}

const toText = (value: unknown) =>
  (typeof value === "string" ? value : JSON.stringify(value)) ?? "";

function editBody(
  body: unknown,
  edits: readonly Edit[],
  resolve: (value: unknown) => unknown,
): unknown {
  const edited = body === undefined ? undefined : structuredClone(body);
  if (typeof edited !== "object" || edited === null) return edited;
  for (const edit of edits) {
    if (edit.type === "set") setAt(edited, edit.path, resolve(edit.value));
    if (edit.type === "delete") setAt(edited, edit.path, undefined);
    if (edit.type === "extra") setAt(edited, [edit.key], resolve(edit.value));
  }
  return edited;
}

// `__proto__` becomes a member like any other.
function setAt(root: object, path: readonly string[], value: unknown): void {
  let parent = root as Record<string, unknown>;
  for (const name of path.slice(0, -1)) {
    const next = parent[name];
    if (typeof next !== "object" || next === null) return;
    parent = next as Record<string, unknown>;
  }
  const name = path.at(-1) ?? "";
  Object.defineProperty(parent, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

function writeBody(plan: Plan, body: unknown) {
  const raw = find(plan.edits, "rawBody").at(-1);
  const contentType = find(plan.edits, "contentType").at(-1)?.value ?? plan.contentType;
  if (raw) return { text: raw.value, contentType: raw.contentType };
  if (body === undefined) return { text: undefined, contentType };
  return { text: encodeBody(body, plan.contentType), contentType };
}

function encodeBody(body: unknown, type: string | undefined): string {
  if (type === FORM) {
    const entries = Object.entries(body as object).filter(([, value]) => value !== undefined);
    return entries.map(([k, v]) => `${encodePart(k)}=${encodePart(toText(v))}`).join("&");
  }
  const { data } = body as { data?: unknown };
  if (type !== NDJSON || !Array.isArray(data)) return JSON.stringify(body);
  return data.map((line) => JSON.stringify(line)).join("\n");
}
