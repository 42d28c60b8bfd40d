import { useTexts } from "../../texts/texts.ts";

export function Audit() {
  const texts = useTexts();
  return <h1>{texts.console.nav.audit}</h1>;
}
