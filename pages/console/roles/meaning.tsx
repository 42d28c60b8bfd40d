import { useTexts } from "../../texts/texts.ts";
import type { Permission } from "./data.ts";

/** What a permission allows. */
export function Meaning({ of: { name, description } }: { of: Permission }) {
  const { roles } = useTexts();
  const text = roles.meanings[name] ?? description;
  return text ? <span class="hint">{text}</span> : null;
}
