import { beforeAll, describe, expect, it } from "vitest";
import { send } from "../support/api.ts";
import { withKey } from "../support/credentials.ts";
import { createVerifiedMailUser } from "../support/mail.ts";
import { fetchDocument, operationsOf } from "../support/openapi.ts";
import { createProviderBox, newPerson, reachCode } from "../support/provider-logins.ts";
import { fakeProviders } from "../support/providers.ts";
import { sampleRequest, UNKNOWN_TARGET } from "../support/samples.ts";

const document = await fetchDocument();
const restricted = operationsOf(document).filter(({ access }) => access.kind !== "public");
const box = createProviderBox({ EMAIL_LOGIN: "on" });
const { bindings } = box;

async function expectNoCredential(token: string): Promise<void> {
  expect(restricted.length).toBeGreaterThan(50);
  for (const operation of restricted) {
    const request = sampleRequest(document, operation, UNKNOWN_TARGET, false);
    for (const credential of [{ token }, withKey({ key: token })]) {
      const { body } = await send(request.path, { ...request, ...credential, bindings });
      expect([operation.name, body?.code]).toEqual([operation.name, "unauthenticated"]);
    }
  }
}

let email: string;

beforeAll(async () => {
  ({ email } = await createVerifiedMailUser(box));
});

describe("half-finished logins", () => {
  it("the login token of a login by email is no credential of any operation", async () => {
    const { body } = await send("/v1/auth/email-login", { body: { email }, bindings });
    await expectNoCredential(body.login_token);
    await expectNoCredential(box.tokenTo(email));
  });

  it("the exchange code of a login with a provider is no credential of any operation", async () => {
    await expectNoCredential(await reachCode(box, await fakeProviders(), { claims: newPerson() }));
  });
});
