import { createRouter, jsonContent, linesBody, operation } from "../../access/operation.ts";
import { allOf } from "../../access/rule.ts";
import { IdempotencyKey, readIdempotencyKey } from "../../http/idempotency-key.ts";
import { answerOnce } from "../../idempotency/answer-once.ts";
import { importUsers, type Outcome } from "./import.ts";
import { ImportResult, ImportRow, ImportUsers } from "./schema.ts";

const MAX_BODY_BYTES = 1024 * 1024;

const importRoute = operation({
  method: "post",
  path: "/v1/users/import",
  operationId: "importUsers",
  tags: ["Users"],
  summary: "Import users",
  description:
    "Creates up to 1,000 users from JSON or newline-delimited JSON of at most 1 MiB, and returns a result per row. A row that is " +
    "invalid, or whose email or username is taken, is rejected; the others are created. Nobody gets an email. Passwords can be imported " +
    "as hashes of other systems, which are verified and replaced at the user's first login. Besides users:import this needs " +
    "users:create, and roles:assign for rows with a role other than `user`. You must hold every permission that the role of a row " +
    "grants; an API key can only create users whose role grants no permission. A call that fails halfway may have " +
    "created some users: with 503, with 409 `edit_conflict` if concurrent requests keep changing the roles concerned, and with 401 or 403 if " +
    "your session ends or you lose the permission meanwhile. Send the same rows again with the same `Idempotency-Key`: those that exist are " +
    "not created twice.",
  access: allOf("users:import", "users:create"),
  stepUp: "if a row has a role other than `user`",
  maxBodyBytes: MAX_BODY_BYTES,
  parameters: [IdempotencyKey],
  request: { body: linesBody(ImportUsers, ImportRow) },
  responses: { 200: jsonContent(ImportResult, "What became of each row.") },
  errors: ["edit_conflict"],
});

function presentOutcomes(outcomes: readonly Outcome[]): ImportResult {
  const created = outcomes.filter((outcome) => "id" in outcome).length;
  return {
    created,
    rejected: outcomes.length - created,
    data: outcomes.map((outcome, index) =>
      "id" in outcome
        ? { index, status: "created", id: outcome.id }
        : { index, status: "rejected", errors: [...outcome.faults] },
    ),
  };
}

export const importRouter = createRouter().openapi(importRoute, (c) =>
  answerOnce(c, {
    run: (ctx) => importUsers(ctx, c.req.valid("json") as ImportUsers, readIdempotencyKey(c)),
    present: (outcomes) => ({ status: 200 as const, headers: {}, body: presentOutcomes(outcomes) }),
    isKeptAfterwards: true,
  }),
);
