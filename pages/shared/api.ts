// The client of the API. Tokens are kept in memory only: a reload logs in again, unless the refresh token is in the cookie of "stay
// signed in", which no script can read.
import { createRosterClient } from "roster-client";
import { askForProof } from "./step-up.ts";

/** Calls an operation: `api.GET("/v1/users/{id}", { params: { path: { id } } })`. Pass the promise to `ok` or `okWithTag`. */
export const api = createRosterClient({ baseUrl: location.origin, onStepUp: askForProof });
