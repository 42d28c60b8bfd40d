import { account } from "./account.ts";
import { audit } from "./audit.ts";
import { common } from "./common.ts";
import { console_ } from "./console.ts";
import { login } from "./login.ts";
import { operations } from "./operations.ts";
import { problems } from "./problems.ts";
import { roles } from "./roles.ts";

/** The texts in English, which every other language has, too. */
export const texts = {
  common,
  problems,
  login,
  console: console_,
  account,
  roles,
  audit,
  operations,
};
