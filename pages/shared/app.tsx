import type { ComponentType } from "preact";
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { LocationProvider } from "preact-iso";
import { StepUpDialog } from "../login/step-up-dialog.tsx";
import {
  chooseLanguage,
  findLanguage,
  type Language,
  LocaleContext,
  loadTexts,
  type Texts,
} from "../texts/texts.ts";
import { resumeSession } from "./session.ts";

/** Shows an application in the page, once its texts are loaded and the cookie of "stay signed in" was used, if there is one. */
export async function start(Content: ComponentType, { resumes = true } = {}): Promise<void> {
  const language = findLanguage();
  const [texts] = await Promise.all([loadTexts(language), resumes && resumeSession()]);
  const root = document.getElementById("app");
  if (root) render(<App Content={Content} language={language} texts={texts} />, root);
}

interface AppProps {
  Content: ComponentType;
  language: Language;
  texts: Texts;
}

function App({ Content, ...initial }: AppProps) {
  const [locale, setLocale] = useState(initial);
  useEffect(() => {
    document.documentElement.lang = locale.language;
  }, [locale.language]);
  const setLanguage = async (language: Language) => {
    chooseLanguage(language);
    setLocale({ language, texts: await loadTexts(language) });
  };
  return (
    <LocaleContext.Provider value={{ ...locale, setLanguage: (to) => void setLanguage(to) }}>
      <LocationProvider>
        <Content />
        <StepUpDialog />
      </LocationProvider>
    </LocaleContext.Provider>
  );
}
