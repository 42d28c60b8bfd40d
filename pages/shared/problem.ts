import { RosterProblem } from "roster-client";

/** Any thrown value as a problem. `network_error`: the service could not be reached. */
export function toProblem(error: unknown): RosterProblem {
  if (error instanceof RosterProblem) return error;
  const code = error instanceof TypeError ? "network_error" : "unexpected_error";
  return localProblem(code);
}

/** A problem that arises in the page itself. Its code has a text in texts/…/problems.ts. */
export function localProblem(code: string): RosterProblem {
  return new RosterProblem({ code, title: code, detail: "", status: 0 });
}

/** A fault of one field, found in the page itself. */
export function faultOf(path: string, message: string): RosterProblem {
  const errors = [{ path, code: "invalid_value", message }];
  const code = "validation_failed";
  return new RosterProblem({ code, title: code, detail: "", status: 422, errors });
}
