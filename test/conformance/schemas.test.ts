import { beforeAll, describe, expect, it } from "vitest";
import { isVisibleText } from "../../src/lib/text.ts";
import { type Answer, send } from "../support/api.ts";
import { createTestUser, newAccount, PASSWORD, type TestUser } from "../support/fixtures.ts";
import { fetchDocument, resolveSchema, type Schema } from "../support/openapi.ts";
import { faultsOf } from "../support/problems.ts";

type Documented = Schema & {
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  oneOf?: Schema[];
};

const document = await fetchDocument();
let admin: TestUser;

beforeAll(async () => {
  admin = await createTestUser("admin");
});

function fieldOf(schema: string, field: string): Documented {
  const found = document.components.schemas[schema]?.properties?.[field];
  if (!found) throw new Error(`no ${field} in ${schema}`);
  return resolveSchema(document, found);
}

/** Whether the documented schema of a field accepts a value: type, length, pattern and the formats used here. */
function isDocumented(schema: Documented, value: unknown): boolean {
  const types = [schema.type ?? []].flat();
  if (value === null) return types.includes("null");
  if (typeof value === "object") return types.includes("object");
  if (typeof value !== "string") return false;
  const length = [...value].length;
  return (
    types.includes("string") &&
    length >= (schema.minLength ?? 0) &&
    length <= (schema.maxLength ?? Number.POSITIVE_INFINITY) &&
    new RegExp(schema.pattern ?? "", "u").test(value) &&
    (schema.format !== "uuid" || /^[0-9a-f-]{36}$/i.test(value)) &&
    (schema.format !== "uri" || URL.canParse(value))
  );
}

const requests: Record<string, (field: string, value: unknown) => Promise<Answer>> = {
  RegisterUser: (field, value) =>
    send("/v1/auth/register", { body: newAccount({ [field]: value }) }),
  ResetPassword: (field, value) =>
    send("/v1/auth/password/reset", { body: { token: "x", password: PASSWORD, [field]: value } }),
  ForgotPassword: (field, value) => send("/v1/auth/password/forgot", { body: { [field]: value } }),
  Login: (field, value) =>
    send("/v1/auth/login", { body: { username: "nobody", password: PASSWORD, [field]: value } }),
  ReplaceProfile: (field, value) =>
    send("/v1/users/me/profile", { method: "PUT", token: admin.token, body: { [field]: value } }),
  CreateApiKey: (field, value) =>
    send("/v1/api-keys", { token: admin.token, body: { name: "x", scopes: [], [field]: value } }),
};

let names = 0;
const unique = (text: string) => {
  names += 1;
  return text.replace("#", String(names));
};

describe("the document and the service agree on", () => {
  it.each<[schema: string, field: string, value: unknown, isAccepted: boolean]>([
    ["RegisterUser", "password", "1234567", false],
    ["RegisterUser", "password", "a fine secret", true],
    ["RegisterUser", "password", "🔒".repeat(7), false],
    ["RegisterUser", "password", "x7".repeat(128), true],
    ["RegisterUser", "password", "x".repeat(257), false],
    ["ResetPassword", "password", "short", false],
    ["RegisterUser", "username", unique("  blank#  "), true],
    ["RegisterUser", "username", unique("b lank#"), false],
    ["RegisterUser", "username", "ab", false],
    ["RegisterUser", "username", "  ab  ", false],
    ["RegisterUser", "username", "a".repeat(51), false],
    ["RegisterUser", "username", `${unique("user#")}${" ".repeat(60)}`, true],
    ["RegisterUser", "username", "ad\nmin", false],
    ["RegisterUser", "email", unique("  blank#@example.com "), true],
    ["RegisterUser", "email", "nobody", false],
    ["RegisterUser", "email", "a@example.123", false],
    ["RegisterUser", "email", `${"a".repeat(65)}@example.com`, false],
    ["RegisterUser", "email", `a@${"b.".repeat(130)}com`, false],
    ["ForgotPassword", "email", "nope", false],
    ["RegisterUser", "first_name", "", true],
    ["RegisterUser", "first_name", null, true],
    ["RegisterUser", "first_name", "a\u202Eb", false],
    ["RegisterUser", "first_name", "a\nb", false],
    ["RegisterUser", "first_name", "👩‍🚀".repeat(33), true],
    ["RegisterUser", "first_name", "a".repeat(101), false],
    ["RegisterUser", "first_name", `${" ".repeat(90)}${"a".repeat(20)}`, false],
    ["Login", "password", "🔒".repeat(257), false],
    ["Login", "password", "", false],
    ["Login", "username", "", false],
    ["Login", "username", "🔒".repeat(321), false],
    ["ReplaceProfile", "bio", "one\ntwo\tthree", true],
    ["ReplaceProfile", "bio", "a\u0000b", false],
    ["ReplaceProfile", "locale", "de-CH", true],
    ["ReplaceProfile", "locale", "de_CH", false],
    ["ReplaceProfile", "locale", "", false],
    ["ReplaceProfile", "timezone", "America/Argentina/Buenos_Aires", true],
    ["ReplaceProfile", "timezone", "Etc/GMT+1", true],
    ["ReplaceProfile", "timezone", "+01:00", false],
    ["ReplaceProfile", "timezone", "Mars Olympus", false],
    ["ReplaceProfile", "avatar_url", "https://images.example/a b.png", false],
    ["ReplaceProfile", "avatar_url", " https://images.example/a.png", false],
    ["ReplaceProfile", "avatar_url", "HTTPS://images.example/a.png", true],
    ["ReplaceProfile", "avatar_url", "https://ada:secret@images.example/", false],
    ["ReplaceProfile", "avatar_url", "https://:secret@images.example/", false],
    ["ReplaceProfile", "avatar_url", "https://images.example/@ada", true],
    ["ReplaceProfile", "avatar_url", "https:images.example/a.png", false],
    ["ReplaceProfile", "avatar_url", "https:\\\\images.example\\a.png", false],
    ["ReplaceProfile", "avatar_url", "http://images.example/a.png", false],
    ["ReplaceProfile", "phone", "+41446681800", true],
    ["ReplaceProfile", "phone", "041446681800", false],
    ["ReplaceProfile", "metadata", null, true],
    ["ReplaceProfile", "metadata", { a: 1 }, true],
    ["ReplaceProfile", "metadata", "text", false],
    ["CreateApiKey", "user_id", "me", false],
    ["CreateApiKey", "user_id", "7", false],
    ["CreateApiKey", "name", " ", false],
    ["CreateApiKey", "name", "", false],
    ["CreateApiKey", "name", " x ", true],
  ])("%s.%s: %j", async (schema, field, value, isAccepted) => {
    const answer = await requests[schema]?.(field, value);
    if (!answer) throw new Error(`no request for ${schema}`);
    const faults = answer.status === 422 ? faultsOf(answer) : [];
    expect(faults.filter((fault) => !fault.startsWith(field))).toEqual([]);
    expect({
      documented: isDocumented(fieldOf(schema, field), value),
      faults: faults.length === 0,
    }).toEqual({ documented: isAccepted, faults: isAccepted });
  });

  it("either a username or an email to log in with", () => {
    const { oneOf } = document.components.schemas.Login as Documented;
    expect(oneOf).toEqual([{ required: ["username"] }, { required: ["email"] }]);
  });

  it("the characters of a line of text", () => {
    const pattern = new RegExp(fieldOf("RegisterUser", "first_name").pattern ?? "", "u");
    const differing = [];
    for (let code = 0; code < 0x10000; code += 1) {
      const text = String.fromCharCode(code);
      if (!text.isWellFormed()) continue;
      if (pattern.test(text) !== isVisibleText(text)) differing.push(code.toString(16));
    }
    expect(differing).toEqual([]);
  });
});

describe("an avatar URL that normalization lengthens", () => {
  const put = (avatar_url: string) => requests.ReplaceProfile?.("avatar_url", avatar_url);

  it("is refused if what would be stored is too long", async () => {
    const answer = await put(`https://images.example/${"🔒".repeat(1000)}`);
    if (!answer) throw new Error("no request");
    expect(faultsOf(answer)).toEqual(["avatar_url too_long"]);
  });

  it("is stored in the form that was measured", async () => {
    const answer = await put(`https://images.example/${"é".repeat(300)}`);
    expect(answer?.body.avatar_url).toBe(`https://images.example/${"%C3%A9".repeat(300)}`);
  });
});
