import { useTexts } from "../../texts/texts.ts";

export function Roles() {
  const texts = useTexts();
  return <h1>{texts.console.nav.roles}</h1>;
}
