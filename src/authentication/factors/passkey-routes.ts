import {
  createRouter,
  jsonBody,
  jsonContent,
  operation,
  optionalJsonBody,
} from "../../access/operation.ts";
import { ownOrEnrolling } from "../../access/rule.ts";
import { IdempotencyKey } from "../../http/idempotency-key.ts";
import { answerOnce } from "../../idempotency/answer-once.ts";
import { CreationOptions } from "../passkeys/schema.ts";
import { addPasskey, checkNewPasskey, offerPasskey } from "./passkeys.ts";
import { AddPasskey, ConfirmedFactor, OfferPasskey, presentNewPasskey } from "./schema.ts";

const tags = ["Second factors"];

const optionsRoute = operation({
  method: "post",
  path: "/v1/auth/factors/passkeys/options",
  operationId: "offerPasskey",
  tags,
  summary: "Get the options to add a passkey",
  description:
    "Pass `public_key` to `navigator.credentials.create()`, and send what it returns to POST /v1/auth/factors/passkeys. If your login " +
    "answered `mfa_enrollment_required`, send its `mfa_token` in the body instead of an access token; otherwise no body is needed.",
  access: ownOrEnrolling,
  stepUp: true,
  request: { body: optionalJsonBody(OfferPasskey) },
  check: (c, body: Partial<AddPasskey>) => checkNewPasskey(c.get("ctx"), body),
  responses: { 200: jsonContent(CreationOptions, "The options for the browser.") },
  errors: ["invalid_mfa_token", "passkey_limit", "passkeys_unavailable"],
});

const addRoute = operation({
  method: "post",
  path: "/v1/auth/factors/passkeys",
  operationId: "addPasskey",
  tags,
  summary: "Add a passkey",
  description:
    "You can log in with the passkey from now on, and logins with a password need a second factor. With your first factor you get " +
    "recovery codes. Your session counts the passkey as a second factor; your other sessions stay as they are. With an `mfa_token`, log in " +
    "again afterwards. You can have up to 20 passkeys.",
  access: ownOrEnrolling,
  stepUp: true,
  parameters: [IdempotencyKey],
  request: { body: jsonBody(AddPasskey) },
  check: (c, body: Partial<AddPasskey>) => checkNewPasskey(c.get("ctx"), body),
  responses: { 201: jsonContent(ConfirmedFactor, "The factor.") },
  errors: [
    "invalid_credential",
    "invalid_mfa_token",
    "passkey_limit",
    "passkeys_unavailable",
    "edit_conflict",
  ],
});

export const passkeysRouter = createRouter()
  .openapi(optionsRoute, async (c) => {
    const public_key = await offerPasskey(c.get("ctx"), c.req.valid("json"));
    return c.json({ public_key }, 200);
  })
  .openapi(addRoute, (c) =>
    answerOnce(c, {
      run: (ctx, keep) => addPasskey(ctx, c.req.valid("json"), keep),
      present: presentNewPasskey,
    }),
  );
