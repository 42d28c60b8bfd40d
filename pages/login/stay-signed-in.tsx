import { useTexts } from "../texts/texts.ts";
import { Checkbox } from "../ui/form.tsx";
import type { Flow } from "./flow.ts";

/** Whether the person stays signed in on this device, by whichever way they log in. */
export function StaySignedIn({ flow }: { flow: Flow }) {
  const { login } = useTexts();
  return (
    <Checkbox
      label={login.staySignedIn}
      name="stay_signed_in"
      checked={flow.staysSignedIn}
      onChange={(event) => flow.setStaysSignedIn(event.currentTarget.checked)}
    />
  );
}
