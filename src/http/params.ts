import { z } from "@hono/zod-openapi";
import { parseId } from "../lib/ids.ts";
import { fault } from "./fields.ts";

const UUID_LENGTH = 36;
const UUID_PATTERN = "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}";
const EXAMPLE_ID = "0198f3c2-7d3e-7c41-9f2a-2b8f0d6c1e11";

/** The `{id}` of a user: a UUID, or `me` for the caller. */
export const UserIdParam = z
  .string()
  .refine(
    (id) => id === "me" || parseId(id) !== undefined,
    fault("invalid_format", "Must be a UUID or `me`."),
  )
  .openapi({
    param: { name: "id", in: "path" },
    description: "The user's id, or `me` for yourself.",
    example: "me",
    pattern: `^(me|${UUID_PATTERN})$`,
    maxLength: UUID_LENGTH,
  });

/** An id: a UUID, in upper or lower case. */
export const Id = z
  .string()
  .overwrite((id) => parseId(id) ?? id)
  .refine((id) => parseId(id) !== undefined, fault("invalid_format", "Must be a UUID."))
  .openapi({ format: "uuid", maxLength: UUID_LENGTH });

/** An id in the path. */
export function idParam(name: string, description: string) {
  return Id.openapi({ param: { name, in: "path" }, description, example: EXAMPLE_ID });
}
