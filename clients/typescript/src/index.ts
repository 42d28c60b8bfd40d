export type { components, ErrorCode, operations, paths, Schemas, Tokens } from "./api-types.ts";
export { createRosterClient, type RosterClient, type RosterClientOptions } from "./client.ts";
export { changeCurrent, ifMatch } from "./if-match.ts";
export type { LoginOutcome } from "./login.ts";
export { paginate } from "./paginate.ts";
export {
  type Fault,
  isProblem,
  ok,
  okWithTag,
  type ProblemBody,
  RosterProblem,
} from "./problem.ts";
export type { Refreshed } from "./refresh.ts";
export type { RetryOptions } from "./retry.ts";
export type { EndReason, NewTokens, Session, SessionState } from "./session.ts";
export type { OnStepUp, StepUpChallenge, StepUpMethod, StepUpProof } from "./step-up.ts";
export type { StoredTokens, TokenStorage } from "./token-storage.ts";
