import { z } from "@hono/zod-openapi";
import { MAX_TOKEN_LENGTH } from "../../http/fields.ts";

/** The token from the link in an email. */
export const OneTimeToken = z
  .string()
  .min(1)
  .max(MAX_TOKEN_LENGTH)
  .openapi({ description: "The token from the link in the email.", example: "rot_pSxk…" });
