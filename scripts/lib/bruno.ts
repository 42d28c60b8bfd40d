import { exampleOf } from "./example.ts";
import {
  listOperations,
  type OpenApiDocument,
  type OpenApiOperation,
  type Placed,
  resolve,
} from "./openapi.ts";

interface Parameter {
  name: string;
  in: "query" | "path" | "header" | "cookie";
  required?: boolean;
  schema: unknown;
  example?: unknown;
}

/** Bodies that take what an earlier response has stored. */
const BODIES: Readonly<Record<string, unknown>> = {
  logIn: { username: "{{username}}", password: "{{password}}" },
  refresh: { refresh_token: "{{refreshToken}}" },
  stepUp: { method: "password", password: "{{password}}" },
};

/** The answers that have tokens. */
const TOKENS = ["Tokens", "SteppedUp"].map((name) => `"#/components/schemas/${name}"`);

const STORE_TOKENS = `if (res.getStatus() === 200 && res.getBody().access_token) {
  bru.setVar("accessToken", res.getBody().access_token);
  if (res.getBody().refresh_token) bru.setVar("refreshToken", res.getBody().refresh_token);
}`;

const ENVIRONMENTS: Readonly<Record<string, string>> = {
  local: "http://localhost:8787",
  staging: "https://accounts-staging.example.com",
  production: "https://accounts.example.com",
};

/** The files of the Bruno collection, by their path: a request per operation, in a folder per tag. */
export function generateBrunoCollection(document: OpenApiDocument): Map<string, string> {
  const files = new Map<string, string>();
  const collection = { version: "1", name: "Roster", type: "collection" };
  files.set("bruno.json", `${JSON.stringify(collection, null, 2)}\n`);
  files.set(
    "collection.bru",
    join(block("auth", "mode: bearer"), block("auth:bearer", "token: {{accessToken}}")),
  );
  for (const [name, url] of Object.entries(ENVIRONMENTS)) {
    const vars = block("vars", `baseUrl: ${url}`, "username: admin");
    files.set(`environments/${name}.bru`, join(vars, "vars:secret [\n  password\n]\n"));
  }
  for (const [index, { name, description }] of document.tags.entries()) {
    const meta = block("meta", `name: ${name}`, `seq: ${index + 1}`);
    files.set(`${kebab(name)}/folder.bru`, join(meta, block("docs", description)));
  }
  const counts = new Map<string, number>();
  for (const operation of listOperations(document)) {
    const [tag] = operation.tags;
    const seq = (counts.get(tag) ?? 0) + 1;
    counts.set(tag, seq);
    const file = `${kebab(tag)}/${kebab(operation.operationId)}.bru`;
    files.set(file, writeRequest(document, operation, seq));
  }
  return files;
}

const NOBODY = "00000000-0000-7000-8000-000000000000";

function writeRequest(
  document: OpenApiDocument,
  operation: Placed<OpenApiOperation>,
  seq: number,
): string {
  const { method, path, summary, description, security } = operation;
  const parameters = listParameters(document, operation);
  const body = writeBody(document, operation);
  const placed = (place: string) => parameters.filter((parameter) => parameter.in === place);
  const query = placed("query");
  const needed = query.filter(({ required }) => required);
  const search = needed.map((parameter) => `${parameter.name}=${textOf(parameter)}`);
  const url = `{{baseUrl}}${path.replace(/\{(\w+)\}/g, ":$1")}`;
  return join(
    block("meta", `name: ${summary}`, "type: http", `seq: ${seq}`),
    block(
      method,
      `url: ${url}${search.length > 0 ? `?${search.join("&")}` : ""}`,
      `body: ${body ? body.type : "none"}`,
      `auth: ${takesAccessToken(security) ? "inherit" : "none"}`,
    ),
    writeParameters("params:query", query),
    writeParameters("params:path", placed("path")),
    writeParameters("headers", placed("header")),
    body?.text ?? "",
    hasTokens(document, operation) ? block("script:post-response", STORE_TOKENS) : "",
    block("docs", description, "", `Permission: ${operation["x-permission"]}`),
  );
}

function takesAccessToken(security: OpenApiOperation["security"]): boolean {
  return security.some((way) => "accessToken" in way);
}

function listParameters(
  document: OpenApiDocument,
  { method, parameters = [] }: Placed<OpenApiOperation>,
): Parameter[] {
  return parameters
    .map((parameter) => resolve<Parameter>(document, parameter))
    .filter(({ name }) => name !== "X-D1-Bookmark")
    .map((parameter) => {
      const example = parameter.example ?? exampleOf(document, parameter.schema);
      // A request that is sent by mistake must not change one's own account.
      const isOwn = parameter.in === "path" && example === "me" && method !== "get";
      return { ...parameter, example: isOwn ? NOBODY : example };
    });
}

/** Optional ones are switched off. */
function writeParameters(name: string, parameters: readonly Parameter[]): string {
  if (parameters.length === 0) return "";
  const lines = parameters.map((parameter) => {
    const isOn = parameter.required || parameter.in === "path";
    return `${isOn ? "" : "~"}${parameter.name}: ${textOf(parameter)}`;
  });
  return block(name, ...lines);
}

function textOf({ name, example }: Parameter): string {
  return name === "Idempotency-Key" ? "{{$randomUUID}}" : String(example);
}

function writeBody(
  document: OpenApiDocument,
  { operationId, requestBody, security }: OpenApiOperation,
) {
  const json = requestBody?.content["application/json"];
  if (!json) return undefined;
  const { mfa_token, ...others } = (BODIES[operationId] ??
    exampleOf(document, json.schema)) as Record<string, unknown>;
  // Where an access token is sent, this would be a second credential.
  const isAlone = mfa_token !== undefined && !takesAccessToken(security);
  const value = isAlone ? { mfa_token, ...others } : others;
  return { type: "json", text: block("body:json", JSON.stringify(value, null, 2)) };
}

function hasTokens(document: OpenApiDocument, { responses }: OpenApiOperation): boolean {
  const success = responses["200"];
  const text = success && JSON.stringify(resolve(document, success));
  return TOKENS.some((token) => text?.includes(token));
}

function block(name: string, ...lines: string[]): string {
  const text = lines.join("\n").replace(/^(?=.)/gm, "  ");
  return `${name} {\n${text}\n}\n`;
}

function join(...blocks: string[]): string {
  return blocks.filter(Boolean).join("\n");
}

function kebab(name: string): string {
  return name
    .replace(/([a-z])([A-Z])/g, "$1-$2")
    .replaceAll(" ", "-")
    .toLowerCase();
}
