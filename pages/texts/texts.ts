import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { texts as english } from "./en/en.ts";

/** The texts of the pages in one language. A text that another language lacks does not compile. */
export type Texts = typeof english;

/** The languages of the pages, which are those of the emails, each with its own name. */
export const LANGUAGES = { en: "English", de: "Deutsch" } as const;

export type Language = keyof typeof LANGUAGES;

const CHOSEN = "roster.language";

/** The language that was chosen here, or else the browser's first one that there is, or English. */
export function findLanguage(): Language {
  const wanted = [readChoice(), ...navigator.languages];
  const found = wanted.map((tag) => tag?.split("-")[0] ?? "").find(isLanguage);
  return found ?? "en";
}

/** Loads the texts of a language. Only the language that is used is loaded. */
export async function loadTexts(language: Language): Promise<Texts> {
  const { texts } = language === "de" ? await import("./de/de.ts") : await import("./en/en.ts");
  return texts;
}

/** Keeps the choice of a language in this browser. */
export function chooseLanguage(language: Language): void {
  try {
    localStorage.setItem(CHOSEN, language);
  } catch {}
}

interface Locale {
  language: Language;
  texts: Texts;
  setLanguage: (language: Language) => void;
}

export const LocaleContext = createContext<Locale | undefined>(undefined);

/** The language of the page and how to change it. */
export function useLocale(): Locale {
  const locale = useContext(LocaleContext);
  if (!locale) throw new Error("no texts");
  return locale;
}

/** The texts in the language of the page. */
export function useTexts(): Texts {
  return useLocale().texts;
}

function isLanguage(tag: string): tag is Language {
  return tag in LANGUAGES;
}

function readChoice(): string | undefined {
  try {
    return localStorage.getItem(CHOSEN) ?? undefined;
  } catch {
    return undefined;
  }
}
