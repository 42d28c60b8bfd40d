import type { OpenAPIHono } from "@hono/zod-openapi";
import { version } from "../../package.json";
import { ERRORS, type ErrorCode } from "../errors.ts";
import type { AppEnv } from "../http/app-env.ts";
import { MERGE_PATCH_TYPE } from "../http/body.ts";
import {
  listCommonHeaders,
  RESPONSE_HEADERS,
  type ResponseHeader,
  type ResponseRules,
  toHeaders,
} from "../http/response-headers.ts";
import {
  listProblemResponses,
  toProblemExample,
  toProblemSchema,
  toSchemaName,
} from "./problem-responses.ts";

type OpenApiDocument = ReturnType<OpenAPIHono["getOpenAPI31Document"]>;
type Responses = NonNullable<NonNullable<OpenApiDocument["components"]>["responses"]>;

const DESCRIPTION = `User accounts, authentication, sessions, roles and API keys.

Log in, send the \`access_token\` as \`Authorization: Bearer <token>\`, and refresh it before it expires (\`expires_in\`).
Send an \`Idempotency-Key\` with requests that create something, so that you can repeat them safely.
/docs/guide explains how to use the API.
Every error response is a problem document (RFC 9457) with a stable \`code\`; /docs/errors explains each code. A path that is
not in this document, or that a setting has switched off, gets 404 \`not_found\`. A method that its path does not have gets 405 \`method_not_allowed\`, and \`Allow\` lists
the methods that it has.`;

const ONE_CREDENTIAL =
  "Operations that accept an access token or an API key refuse a request with both: 400 `conflicting_credentials`.";

/** Codes for requests that match no operation. */
const OUTSIDE_OPERATIONS: readonly string[] = ["method_not_allowed"] satisfies ErrorCode[];

const OPERATION_CODES = (Object.keys(ERRORS) as ErrorCode[]).filter(
  (code) => !OUTSIDE_OPERATIONS.includes(code),
);

/** The OpenAPI 3.1 document of all operations that the app's routers declare. */
export function buildOpenApiDocument(app: OpenAPIHono<AppEnv>): OpenApiDocument {
  registerSecuritySchemes(app);
  for (const code of OPERATION_CODES) {
    app.openAPIRegistry.register(toSchemaName(code), toProblemSchema(code));
  }
  const document = describeApi(app);
  requireBodies(document);
  completeResponses(document);
  shareSuccesses(document);
  describeParametersOnce(document);
  shareParameters(document);
  return document;
}

function registerSecuritySchemes(app: OpenAPIHono<AppEnv>): void {
  app.openAPIRegistry.registerComponent("securitySchemes", "accessToken", {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: `The \`access_token\` returned by login and refresh: a JWT that is verified as RFC8725 asks. ${ONE_CREDENTIAL}`,
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "apiKey", {
    type: "apiKey",
    in: "header",
    name: "X-API-Key",
    description: `A key created with \`POST /v1/api-keys\`. Its scopes limit what it can do, and it cannot manage credentials. ${ONE_CREDENTIAL}`,
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "refreshCookie", {
    type: "apiKey",
    in: "cookie",
    name: "__Secure-roster_refresh",
    description:
      "The refresh token of a browser that stays signed in (`stay_signed_in`). Only pages of Roster itself, at `APP_URL`, can use it.",
  });
}

function describeApi(app: OpenAPIHono<AppEnv>): OpenApiDocument {
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Roster",
      version,
      description: DESCRIPTION,
      contact: { name: "The operator of this service" },
      license: { name: "MIT", url: "https://opensource.org/license/mit" },
    },
    servers: [{ url: "/", "x-internal": false }],
    tags: [
      {
        name: "Authentication",
        description: "Registration, login, passwords, and your own sessions.",
      },
      {
        name: "Second factors",
        description: "Authenticator apps and recovery codes of your own.",
      },
      { name: "Users", description: "User accounts and their management." },
      {
        name: "Credentials",
        description: "Lock-outs, passwords and addresses of other users. Needs credentials:manage.",
      },
      { name: "Profiles", description: "Personal details that users maintain themselves." },
      { name: "Roles", description: "Roles and the permissions that they grant." },
      { name: "API keys", description: "Credentials for third-party applications." },
      { name: "Audit", description: "What happened, and what was refused." },
      { name: "Analytics", description: "How many people register, log in and stay." },
      { name: "Operations", description: "Health, readiness, metrics and public keys." },
    ],
  });
}

// A body that can be a form or JSON is declared without `required`, because the router would otherwise require both.
function requireBodies({ paths = {} }: OpenApiDocument): void {
  for (const path of Object.values(paths)) {
    for (const method of ["post", "put", "patch"] as const) {
      const body = path[method]?.requestBody;
      if (!body || !("content" in body)) continue;
      body.required ??= true;
      const json = body.content["application/json"];
      if (method === "patch" && json) body.content[MERGE_PATCH_TYPE] = json;
    }
  }
}

interface Operation {
  operationId: string;
  parameters?: Parameter[];
  responses: Responses;
  "x-responses"?: ResponseRules;
}

function listOperations({ paths = {} }: OpenApiDocument): Operation[] {
  return Object.values(paths).flatMap((path) => Object.values(path) as Operation[]);
}

// Most error responses are the same for many operations. Each is in `components` once, as are its headers and examples.
function completeResponses(document: OpenApiDocument): void {
  const shared: Responses = {};
  for (const operation of listOperations(document)) {
    const { "x-responses": rules, responses } = operation;
    if (!rules) continue;
    delete operation["x-responses"];
    operation.responses = addCommonHeaders(responses, rules);
    for (const { status, name, response } of listProblemResponses(rules)) {
      if (status in responses) continue;
      shared[name] ??= response;
      operation.responses[status] = { $ref: `#/components/responses/${name}` };
    }
  }
  document.components = {
    ...document.components,
    responses: shared,
    headers: RESPONSE_HEADERS,
    examples: Object.fromEntries(
      OPERATION_CODES.map((code) => [code, { value: toProblemExample(code) }]),
    ),
  };
}

// A 304 has the ETag that the 200 would have (RFC 9110 section 15.4.5).
function addCommonHeaders(responses: Responses, { isLimited, isReplayable }: ResponseRules) {
  const replayed: ResponseHeader[] = isReplayable ? ["Idempotency-Replayed"] : [];
  const common = toHeaders([...listCommonHeaders({ isLimited }), ...replayed]);
  const described = Object.entries(responses).map(([status, response]) => {
    const own = "headers" in response ? response.headers : undefined;
    const validator = status === "304" ? toHeaders(["ETag"]) : undefined;
    return [status, { ...response, headers: { ...common, ...validator, ...own } }];
  });
  return Object.fromEntries(described) as Responses;
}

// A success that several operations answer with is in `components` once, by the name of the first of them: `logIn-200`.
function shareSuccesses(document: OpenApiDocument): void {
  const uses = listOperations(document).flatMap(({ operationId, responses }) =>
    Object.entries(responses)
      .filter(([, response]) => !("$ref" in response))
      .map(([status]) => ({ name: `${operationId}-${status}`, status, responses })),
  );
  const equal = Map.groupBy(uses, ({ status, responses }) => JSON.stringify(responses[status]));
  for (const [text, [first, ...others]] of equal) {
    if (!first || others.length === 0) continue;
    document.components = {
      ...document.components,
      responses: { ...document.components?.responses, [first.name]: JSON.parse(text) },
    };
    for (const { status, responses } of [first, ...others]) {
      responses[status] = { $ref: `#/components/responses/${first.name}` };
    }
  }
}

type Parameter =
  | { name: string; in: string; description?: string; schema?: { description?: string } }
  | { $ref: string };

// The generator gives the schema of a parameter the description of the parameter, too.
function describeParametersOnce(document: OpenApiDocument): void {
  for (const { parameters = [] } of listOperations(document)) {
    for (const parameter of parameters) {
      if ("$ref" in parameter || !parameter.schema) continue;
      const { description, ...schema } = parameter.schema;
      if (description === parameter.description) parameter.schema = schema;
    }
  }
}

// A parameter that several operations have is in `components` once. The first of a name is shared; others of that name are not.
function shareParameters(document: OpenApiDocument): void {
  const operations = listOperations(document);
  const texts = operations.flatMap(({ parameters = [] }) =>
    parameters.map((parameter) => JSON.stringify(parameter)),
  );
  const isRepeated = (text: string) => texts.indexOf(text) !== texts.lastIndexOf(text);
  const shared = new Map<string, string>();
  for (const operation of operations) {
    if (!operation.parameters) continue;
    operation.parameters = operation.parameters.map((parameter) => {
      const text = JSON.stringify(parameter);
      if ("$ref" in parameter || !isRepeated(text)) return parameter;
      const name = `${parameter.in}-${parameter.name}`;
      if (!shared.has(name)) shared.set(name, text);
      return shared.get(name) === text ? { $ref: `#/components/parameters/${name}` } : parameter;
    });
  }
  const parameters = [...shared].map(([name, text]) => [name, JSON.parse(text)]);
  document.components = { ...document.components, parameters: Object.fromEntries(parameters) };
}
