import { MAX_TOKEN_LENGTH, opaqueText } from "../../http/fields.ts";

/** The token from the link in an email. */
export const OneTimeToken = opaqueText(MAX_TOKEN_LENGTH).openapi({
  description: "The token from the link in the email.",
  example: "rot_pSxk…",
});
