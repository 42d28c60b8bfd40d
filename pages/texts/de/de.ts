import type { Texts } from "../texts.ts";
import { account } from "./account.ts";
import { activity } from "./activity.ts";
import { apiKeys } from "./api-keys.ts";
import { common } from "./common.ts";
import { console_ } from "./console.ts";
import { factors } from "./factors.ts";
import { login } from "./login.ts";
import { ownFactors } from "./own-factors.ts";
import { problems } from "./problems.ts";
import { user } from "./user.ts";
import { users } from "./users.ts";

/** The texts in German. */
export const texts: Texts = {
  common,
  problems,
  login,
  factors,
  console: console_,
  account,
  ownFactors,
  apiKeys,
  activity,
  users,
  user,
};
