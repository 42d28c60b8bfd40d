import { useTexts } from "../../texts/texts.ts";

export function Analytics() {
  const texts = useTexts();
  return <h1>{texts.console.nav.analytics}</h1>;
}
