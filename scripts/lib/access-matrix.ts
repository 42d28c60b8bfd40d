/** What is read of the OpenAPI document. */
export interface AccessDocument {
  paths: Record<string, Record<string, AccessOperation>>;
}

interface AccessOperation {
  operationId?: string;
  tags?: string[];
  security?: Record<string, string[]>[];
  "x-permission"?: string;
  responses: Record<string, { content?: Record<string, { examples?: Record<string, unknown> }> }>;
}

/** Who may call an operation, as its `x-permission` and `security` say. */
export interface AccessRule {
  kind: "public" | "own" | "permission" | "own-or-permission";
  /** Absent for public and own. */
  permission: string | undefined;
  /** API keys may call it with the permission among their scopes. */
  takesKeys: boolean;
}

const PERMISSION = /^(own or )?([a-z_]+:[a-z_]+)/;

/** Reads an operation's access rule. Throws when it declares none, or one in words that are not known. */
export function readAccessRule(
  name: string,
  operation: Pick<AccessOperation, "security" | "x-permission">,
): AccessRule {
  const rule = operation["x-permission"];
  const takesKeys = (operation.security ?? []).some((scheme) => "apiKey" in scheme);
  if (rule === "none") return { kind: "public", permission: undefined, takesKeys };
  if (rule === "own") return { kind: "own", permission: undefined, takesKeys };
  const [, orOwn, permission] = PERMISSION.exec(rule ?? "") ?? [];
  if (!permission) throw new Error(`${name} declares no access rule: x-permission is ${rule}`);
  return { kind: orOwn ? "own-or-permission" : "permission", permission, takesKeys };
}

const HEAD = `# Who may do what

Made by \`npm run docs:access\` from the OpenAPI document and the roles in \`migrations\`: do not edit it by hand. A test
fails when it is out of date. [Roles and API keys](roles-and-api-keys.md) explains the rules.

- **yes**: allowed. **own**: on what is one's own alone. **401**, **403**: refused, whether or not there is such a thing.
- *API key*: one that has the permission among its scopes, of a user whose role grants it. Without the permission it is
  403 everywhere, on its owner's account too: a key has nothing of its own.
- *not upward*: on another's account one needs every permission that it holds, and nobody gives away what they do not
  hold: 403 \`privilege_escalation\`.
`;

const COLUMNS = [
  "operation",
  "permission",
  "anonymous",
  "user, own",
  "user, others'",
  "moderator",
  "admin",
  "API key",
  "notes",
];

/** The table of every operation by who asks, in Markdown. `roles` are the system roles with what they grant. */
export function renderAccessMatrix(
  document: AccessDocument,
  roles: Readonly<Record<string, readonly string[]>>,
): string {
  const sections = new Map<string, string[]>();
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const name = `${method.toUpperCase()} ${path}`;
      const tag = operation.tags?.[0] ?? "Others";
      const rows = sections.get(tag) ?? [];
      sections.set(tag, [...rows, toRow(cellsOf(name, operation, roles))]);
    }
  }
  const tables = [...sections].map(([tag, rows]) =>
    [`## ${tag}`, "", toRow(COLUMNS), `|${"---|".repeat(COLUMNS.length)}`, ...rows, ""].join("\n"),
  );
  return [HEAD, ...tables].join("\n");
}

function toRow(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function cellsOf(
  name: string,
  operation: AccessOperation,
  roles: Readonly<Record<string, readonly string[]>>,
): string[] {
  const rule = readAccessRule(name, operation);
  const { kind, permission, takesKeys } = rule;
  const isPublic = kind === "public";
  return [
    `\`${name}\``,
    permission ? `\`${permission}\`` : "–",
    isPublic ? "yes" : "401",
    cellOf(rule, roles.user, "own"),
    kind === "own" ? "–" : cellOf(rule, roles.user, "others'"),
    cellOf(rule, roles.moderator),
    cellOf(rule, roles.admin),
    isPublic || takesKeys ? "yes" : "403",
    notesOf(rule, operation).join("; "),
  ];
}

function cellOf(
  { kind, permission }: AccessRule,
  held: readonly string[] = [],
  on?: "own" | "others'",
): string {
  if (kind === "public") return "yes";
  if (permission && held.includes(permission)) return "yes";
  if (kind === "permission" || on === "others'") return "403";
  return on === "own" ? "yes" : "own";
}

function notesOf({ kind, takesKeys }: AccessRule, { responses }: AccessOperation): string[] {
  const refusals = responses["403"]?.content?.["application/problem+json"]?.examples ?? {};
  const notes: string[] = [];
  if (kind === "own") notes.push("own only");
  if (kind !== "public" && !takesKeys) notes.push("in person only");
  if ("privilege_escalation" in refusals) notes.push("not upward");
  return notes;
}
