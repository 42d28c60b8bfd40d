// npm run passwords: generates src/lib/common-passwords.ts from the frequency list of @zxcvbn-ts/language-common (MIT).
import { writeFileSync } from "node:fs";
import { dictionary } from "@zxcvbn-ts/language-common";
import { MIN_PASSWORD_LENGTH } from "../src/lib/password-policy.ts";

const COUNT = 3500;

const commonest = dictionary["passwords-common"]
  .filter((password) => [...password].length >= MIN_PASSWORD_LENGTH)
  .slice(0, COUNT)
  // Sorted text compresses better.
  .sort();

writeFileSync(
  new URL("../src/lib/common-passwords.ts", import.meta.url),
  `// Written by \`npm run passwords\`: the ${COUNT} commonest passwords that are long enough, in lower case.
export const COMMON_PASSWORDS: ReadonlySet<string> = new Set(
  ${JSON.stringify(commonest.join(" "))}.split(" "),
);
`,
);
