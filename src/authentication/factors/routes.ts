import { createRouter, jsonBody, jsonContent, operation } from "../../access/operation.ts";
import { own, ownOrEnrolling } from "../../access/rule.ts";
import { callingPerson } from "../../access/target.ts";
import { IdempotencyKey } from "../../http/idempotency-key.ts";
import { PageQuery, presentPage } from "../../http/pagination.ts";
import { answerOnce } from "../../idempotency/answer-once.ts";
import { changeFactorName, getFactorPage, removeFactor } from "./manage.ts";
import { generateRecoveryCodes, getRemainingCodes } from "./recovery-codes.ts";
import {
  AddTotp,
  ConfirmedFactor,
  ConfirmTotp,
  Factor,
  FactorPage,
  FactorParams,
  presentAddedFactor,
  presentFactor,
  presentNewTotp,
  presentRecoveryCodes,
  RecoveryCodes,
  RemainingCodes,
  RenameFactor,
  TotpSecret,
} from "./schema.ts";
import { addTotp, checkConfirmation, checkNewTotp, confirmTotp } from "./totp.ts";

const tags = ["Second factors"];

const addTotpRoute = operation({
  method: "post",
  path: "/v1/auth/factors/totp",
  operationId: "addTotp",
  tags,
  summary: "Add an authenticator app",
  description:
    "Returns the secret for the app, once. The factor counts once you confirm it with a code, within ten minutes. Until then, another " +
    "request replaces it. If your login answered `mfa_enrollment_required`, send its `mfa_token` in the body instead of an access token.",
  access: ownOrEnrolling,
  stepUp: true,
  parameters: [IdempotencyKey],
  request: { body: jsonBody(AddTotp) },
  check: (c, body: Partial<AddTotp>) => checkNewTotp(c.get("ctx"), body),
  responses: { 201: jsonContent(TotpSecret, "The secret of the app.") },
  errors: ["invalid_mfa_token", "factor_exists", "edit_conflict"],
});

const confirmTotpRoute = operation({
  method: "post",
  path: "/v1/auth/factors/totp/confirm",
  operationId: "confirmTotp",
  tags,
  summary: "Confirm an authenticator app",
  description:
    "Takes a code that the app shows. It cannot be used again, not even to log in. Logins need a second factor from now on. With your " +
    "first factor you get recovery codes. Your session counts the code as a second factor; your other sessions stay as they are. With an " +
    "`mfa_token`, log in again afterwards.",
  access: ownOrEnrolling,
  stepUp: true,
  request: { body: jsonBody(ConfirmTotp) },
  check: (c, body: Partial<ConfirmTotp>) => checkConfirmation(c.get("ctx"), body),
  responses: { 200: jsonContent(ConfirmedFactor, "The factor.") },
  errors: ["invalid_mfa_token", "invalid_code", "factor_not_found", "edit_conflict"],
});

const listFactorsRoute = operation({
  method: "get",
  path: "/v1/auth/factors",
  operationId: "listFactors",
  tags,
  summary: "List your second factors",
  description: "Lists the newest factors first, without those that are not confirmed.",
  access: own,
  request: { query: PageQuery },
  responses: { 200: jsonContent(FactorPage, "A page of factors.") },
  errors: [],
});

const renameFactorRoute = operation({
  method: "patch",
  path: "/v1/auth/factors/{id}",
  operationId: "renameFactor",
  tags,
  summary: "Rename a second factor",
  description: "Names help you to tell your factors apart.",
  access: own,
  stepUp: true,
  request: { params: FactorParams, body: jsonBody(RenameFactor) },
  responses: { 200: jsonContent(Factor, "The factor with its new name.") },
  errors: ["factor_not_found", "edit_conflict"],
});

const removeFactorRoute = operation({
  method: "delete",
  path: "/v1/auth/factors/{id}",
  operationId: "removeFactor",
  tags,
  summary: "Remove a second factor",
  description:
    "Removing your last factor also removes your recovery codes, and logins no longer need a second factor. If your role requires one, " +
    "add another first.",
  access: own,
  stepUp: true,
  request: { params: FactorParams },
  responses: { 204: { description: "The factor was removed." } },
  errors: ["factor_not_found", "factor_required", "last_login_method", "edit_conflict"],
});

const countCodesRoute = operation({
  method: "get",
  path: "/v1/auth/recovery-codes",
  operationId: "countRecoveryCodes",
  tags,
  summary: "Count your recovery codes",
  description: "The codes themselves are shown only when they are generated.",
  access: own,
  responses: { 200: jsonContent(RemainingCodes, "How many recovery codes are left.") },
  errors: [],
});

const generateCodesRoute = operation({
  method: "post",
  path: "/v1/auth/recovery-codes",
  operationId: "generateRecoveryCodes",
  tags,
  summary: "Generate recovery codes",
  description:
    "Generates ten codes, each of which replaces your second factor once. They are shown only in this response. Your old codes no longer work.",
  access: own,
  stepUp: true,
  parameters: [IdempotencyKey],
  responses: { 201: jsonContent(RecoveryCodes, "The new codes.") },
  errors: ["factor_missing", "edit_conflict"],
});

export const factorsRouter = createRouter()
  .openapi(addTotpRoute, (c) =>
    answerOnce(c, {
      run: (ctx, keep) => addTotp(ctx, c.req.valid("json"), keep),
      present: presentNewTotp,
    }),
  )
  .openapi(confirmTotpRoute, async (c) => {
    const added = await confirmTotp(c.get("ctx"), c.req.valid("json"));
    return c.json(presentAddedFactor(added), 200);
  })
  .openapi(listFactorsRoute, async (c) => {
    const query = c.req.valid("query");
    const page = await getFactorPage(c.get("ctx"), callingPerson(c), query);
    return c.json(presentPage(page, query.limit, presentFactor), 200);
  })
  .openapi(renameFactorRoute, async (c) => {
    const at = { ...callingPerson(c), ...c.req.valid("param") };
    const factor = await changeFactorName(c.get("ctx"), at, c.req.valid("json").name);
    return c.json(presentFactor(factor), 200);
  })
  .openapi(removeFactorRoute, async (c) => {
    await removeFactor(c.get("ctx"), { ...callingPerson(c), ...c.req.valid("param") });
    return c.body(null, 204);
  })
  .openapi(countCodesRoute, async (c) => {
    const remaining = await getRemainingCodes(c.get("ctx"), callingPerson(c).userId);
    return c.json({ remaining }, 200);
  })
  .openapi(generateCodesRoute, (c) =>
    answerOnce(c, {
      run: (ctx, keep) => generateRecoveryCodes(ctx, callingPerson(c).userId, keep),
      present: presentRecoveryCodes,
    }),
  );
