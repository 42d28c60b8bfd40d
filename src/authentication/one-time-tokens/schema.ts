import { z } from "@hono/zod-openapi";
import { MAX_TOKEN_LENGTH } from "../../http/fields.ts";

/** The token from the link in a mail. */
export const OneTimeToken = z
  .string()
  .min(1)
  .max(MAX_TOKEN_LENGTH)
  .openapi({ description: "From the link in the mail.", example: "rot_pSxk…" });
