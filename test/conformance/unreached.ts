interface Exception {
  /** Operations and statuses, such as `GET /health 500`. */
  pairs: readonly string[];
  /** Why no test can reach them. */
  reason: string;
}

/** The documented statuses that no test reaches. `npm test` fails if a status is missing here, or is reached after all. */
export const UNREACHED: readonly Exception[] = [
  {
    pairs: ["GET /v1/auth/providers/{id}/callback 422"],
    reason: "Providers may send any parameters, and `state` decides: a wrong one is a 400.",
  },
  {
    pairs: ["POST /v1/users/{id}/email/send-verification 409"],
    reason:
      "The email depends on nothing that others change but the caller's authority, which would have to be lost and restored between the statements of 25 attempts.",
  },
];
