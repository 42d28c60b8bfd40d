import type { MailLanguage } from "../../settings.ts";
import type { Catalogue } from "./catalogue.ts";
import { de } from "./de.ts";
import { en } from "./en.ts";

/** The emails in each language. A language without a catalogue does not compile. */
export const CATALOGUES: Readonly<Record<MailLanguage, Catalogue>> = { en, de };
