import { z } from "@hono/zod-openapi";
import { fault } from "../../http/fields.ts";
import { Code } from "../../http/problem.ts";
import { parseId } from "../../lib/ids.ts";
import { AssignRole } from "../users/schema.ts";

const MAX_IDS = 100;

const BULK_ACTIONS = ["activate", "deactivate", "delete", "set_role"] as const;
export type BulkAction = (typeof BULK_ACTIONS)[number];

const ids = z
  .array(z.uuid().overwrite((id) => parseId(id) ?? id))
  .min(1)
  .max(MAX_IDS)
  .refine(
    (list) => new Set(list).size === list.length,
    fault("invalid_value", "Must not contain an id twice."),
  )
  .openapi({ uniqueItems: true, example: ["0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11"] });

export const BulkUsers = z
  .strictObject({
    ids,
    action: z.enum(BULK_ACTIONS),
    role: AssignRole.shape.role.optional().openapi({ description: "The role for `set_role`." }),
  })
  .superRefine(({ action, role }, context) => {
    if ((action === "set_role") === (role !== undefined)) return;
    const { message, params } =
      role === undefined
        ? fault("required", "Required for `set_role`.")
        : fault("unknown_field", "Only `set_role` takes a role.");
    context.addIssue({ code: "custom", path: ["role"], message, params });
  })
  .openapi("BulkUsers");
export type BulkUsers = z.infer<typeof BulkUsers>;

export const BulkResult = z
  .object({
    data: z.array(
      z.object({
        id: z.uuid(),
        status: z.enum(["done", "unchanged", "refused"]).openapi({
          description:
            "`unchanged`: the user was already as requested. `refused`: `code` says why.",
        }),
        code: Code.optional(),
      }),
    ),
  })
  .openapi("BulkResult");
export type BulkResult = z.infer<typeof BulkResult>;
