import { describe, expect, it } from "vitest";
import { type ApiDocument, findBreakingChanges } from "../../scripts/lib/breaking-changes.ts";
import { announcesBreak } from "../../scripts/lib/versions.ts";

type Change = (document: any) => void;

/** A document with an operation of each kind, as `buildOpenApiDocument` writes them. */
function createDocument(): any {
  return {
    paths: {
      "/v1/users": {
        post: {
          parameters: [{ $ref: "#/components/parameters/header-Key" }],
          requestBody: {
            required: true,
            content: { "application/json": { schema: { $ref: "#/components/schemas/NewUser" } } },
          },
          responses: {
            201: {
              headers: { ETag: {} },
              content: { "application/json": { schema: { $ref: "#/components/schemas/User" } } },
            },
            409: { content: { "application/problem+json": { schema: { type: "object" } } } },
          },
          security: [{ accessToken: [] }, { apiKey: [] }],
        },
        get: {
          parameters: [{ name: "sort", in: "query", schema: { enum: ["name", "email"] } }],
          responses: { 200: { description: "All users." } },
          security: [],
        },
      },
    },
    components: {
      parameters: { "header-Key": { name: "Key", in: "header", schema: { type: "string" } } },
      schemas: {
        NewUser: {
          type: "object",
          properties: {
            name: { type: "string", maxLength: 50 },
            role: { enum: ["user", "admin"] },
            login: { anyOf: [{ type: "string" }, { type: "integer" }] },
          },
          required: ["name"],
        },
        User: {
          allOf: [{ type: "object", properties: { id: { type: "string" } }, required: ["id"] }],
          properties: {
            name: { type: "string" },
            friends: { type: "array", items: { $ref: "#/components/schemas/User" } },
          },
          required: ["name"],
        },
      },
    },
  };
}

function breaksOf(change: Change): string[] {
  const after = createDocument();
  change(after);
  return findBreakingChanges(createDocument() as ApiDocument, after as ApiDocument);
}

const post = (document: any) => document.paths["/v1/users"].post;
const get = (document: any) => document.paths["/v1/users"].get;
const { NewUser, User } = {
  NewUser: (document: any) => document.components.schemas.NewUser,
  User: (document: any) => document.components.schemas.User,
};

describe("npm run check:breaking", () => {
  const breaking: [string, Change, string][] = [
    [
      "a removed path",
      (d) => delete d.paths["/v1/users"],
      "GET /v1/users: the operation is removed",
    ],
    [
      "a removed method",
      (d) => delete d.paths["/v1/users"].get,
      "GET /v1/users: the operation is removed",
    ],
    ["a removed status", (d) => delete post(d).responses[409], "the response 409 is removed"],
    [
      "a removed header",
      (d) => delete post(d).responses[201].headers.ETag,
      "no longer has the header ETag",
    ],
    [
      "a removed property of a response",
      (d) => delete User(d).properties.name,
      "the property name is removed",
    ],
    [
      "one in a part of it",
      (d) => delete User(d).allOf[0].properties.id,
      "the property id is removed",
    ],
    [
      "a property that may be missing",
      (d) => User(d).required.pop(),
      "the property name may be missing",
    ],
    [
      "a property that may be null",
      (d) => {
        User(d).properties.name.type = ["string", "null"];
      },
      "name: the type was string, and is string or null",
    ],
    [
      "a new required property",
      (d) => NewUser(d).required.push("role"),
      "the property role is newly required",
    ],
    [
      "a removed property of a request",
      (d) => delete NewUser(d).properties.role,
      "the property role is removed",
    ],
    [
      "a narrowed enum",
      (d) => NewUser(d).properties.role.enum.pop(),
      'the value "admin" is no longer accepted',
    ],
    [
      "a shorter limit",
      (d) => {
        NewUser(d).properties.name.maxLength = 20;
      },
      "name: maxLength is now 20",
    ],
    [
      "a new pattern",
      (d) => {
        NewUser(d).properties.name.pattern = "^a";
      },
      "name: the pattern is another",
    ],
    [
      "a form that is gone",
      (d) => NewUser(d).properties.login.anyOf.pop(),
      "one of the forms is no longer accepted",
    ],
    [
      "a content type that is gone",
      (d) => {
        post(d).requestBody.content = { "application/xml": {} };
      },
      "the request no longer has the content type application/json",
    ],
    ["a removed parameter", (d) => get(d).parameters.pop(), "the query parameter sort is removed"],
    [
      "a required parameter",
      (d) => {
        d.components.parameters["header-Key"].required = true;
      },
      "the header parameter Key is newly required",
    ],
    [
      "a value of a parameter",
      (d) => get(d).parameters[0].schema.enum.pop(),
      'the value "email" is no longer',
    ],
    ["a credential that is refused", (d) => post(d).security.pop(), "apiKey no longer suffices"],
    [
      "a credential that is needed",
      (d) => {
        get(d).security = [{ accessToken: [] }];
      },
      "no credential no longer suffices",
    ],
  ];
  it.each(breaking)("reports %s, and nothing else", (_, change, expected) => {
    const found = breaksOf(change);
    expect(found.join("\n")).toContain(expected);
    expect(new Set(found.map((line) => line.split(": ").at(-1))).size).toBeLessThanOrEqual(2);
  });

  const harmless: [string, Change][] = [
    ["the same document", () => undefined],
    [
      "a new operation",
      (d) => {
        d.paths["/v1/new"] = { get: { responses: {} } };
      },
    ],
    [
      "an optional property of a request",
      (d) => {
        NewUser(d).properties.nick = { type: "string" };
      },
    ],
    [
      "a property of a response",
      (d) => {
        User(d).properties.nick = { type: "string" };
        User(d).required.push("nick");
      },
    ],
    ["a further value", (d) => NewUser(d).properties.role.enum.push("guest")],
    [
      "another status",
      (d) => {
        post(d).responses[422] = { content: {} };
      },
    ],
    [
      "a longer limit",
      (d) => {
        NewUser(d).properties.name.maxLength = 80;
      },
    ],
    ["a further credential", (d) => post(d).security.push({ cookie: [] })],
    [
      "a schema with another name",
      (d) => {
        d.components.schemas.Person = d.components.schemas.NewUser;
        post(d).requestBody.content["application/json"].schema.$ref = "#/components/schemas/Person";
      },
    ],
  ];
  it.each(harmless)("accepts %s", (_, change) => {
    expect(breaksOf(change)).toEqual([]);
  });

  it.each([
    ["0.1.0", "0.2.0", true],
    ["0.2.0", "0.2.1", false],
    ["0.2.0", "0.2.0", false],
    ["0.2.0", "1.0.0", true],
    ["1.2.0", "1.3.0", false],
    ["1.2.0", "2.0.0", true],
    ["1.9.0", "1.10.0", false],
    ["2.0.0", "1.0.0", false],
  ])("%s → %s announces a break: %s", (before, after, expected) => {
    expect(announcesBreak(before, after)).toBe(expected);
  });
});
