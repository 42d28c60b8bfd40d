import { useTexts } from "../../texts/texts.ts";

export function Users() {
  const texts = useTexts();
  return <h1>{texts.console.nav.users}</h1>;
}
