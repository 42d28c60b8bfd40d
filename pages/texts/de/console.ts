import type { Texts } from "../texts.ts";

export const console_: Texts["console"] = {
  title: "Konsole",
  nav: {
    users: "Benutzer",
    roles: "Rollen",
    audit: "Protokoll",
    operations: "Betrieb",
    analytics: "Auswertung",
  },
  navigation: "Hauptnavigation",
};
