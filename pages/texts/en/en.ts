import { account } from "./account.ts";
import { activity } from "./activity.ts";
import { analytics } from "./analytics.ts";
import { apiKeys } from "./api-keys.ts";
import { audit } from "./audit.ts";
import { common } from "./common.ts";
import { console_ } from "./console.ts";
import { factors } from "./factors.ts";
import { faults } from "./faults.ts";
import { links } from "./links.ts";
import { login } from "./login.ts";
import { operations } from "./operations.ts";
import { ownFactors } from "./own-factors.ts";
import { permissions } from "./permissions.ts";
import { problems } from "./problems.ts";
import { roles } from "./roles.ts";
import { user } from "./user.ts";
import { users } from "./users.ts";

/** The texts in English, which every other language has, too. */
export const texts = {
  common,
  problems,
  faults,
  login,
  factors,
  links,
  console: console_,
  account,
  ownFactors,
  apiKeys,
  activity,
  users,
  user,
  roles,
  permissions,
  audit,
  operations,
  analytics,
};
