import { useTexts } from "../../texts/texts.ts";

export function Operations() {
  const texts = useTexts();
  return <h1>{texts.console.nav.operations}</h1>;
}
