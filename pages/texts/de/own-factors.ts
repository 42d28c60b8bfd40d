import type { Texts } from "../texts.ts";

export const ownFactors: Texts["ownFactors"] = {
  intro:
    "Mit einem zweiten Faktor genügt ein Passwort allein nicht, um sich bei Ihrem Konto anzumelden. Fügen Sie zwei hinzu, damit Sie einen verlieren können.",
  none: "Sie haben keinen zweiten Faktor.",
  addTotp: "Authenticator-App hinzufügen",
  addPasskey: "Passkey hinzufügen",
  added: "Der zweite Faktor wurde hinzugefügt.",
  name: "Name",
  lastUsed: "Zuletzt benutzt",
  created: "Hinzugefügt",
  kept: "Gespeichert",
  synced: "In einem Konto, das ihn auf Ihre Geräte überträgt",
  notSynced: "Nur auf einem Gerät",
  rename: "Umbenennen",
  renameTitle: (name) => `„${name}“ umbenennen`,
  remove: "Entfernen",
  removeTitle: (name) => `„${name}“ entfernen`,
  removeWarning:
    "Sie können sich dann nicht mehr damit anmelden. Ohne zweiten Faktor fallen auch Ihre Wiederherstellungscodes weg.",
  removed: (name) => `„${name}“ wurde entfernt.`,
  codes: "Wiederherstellungscodes",
  codesIntro:
    "Jeder Code ersetzt einmal Ihren zweiten Faktor, zum Beispiel wenn Sie Ihr Telefon verlieren.",
  remaining: (count) => (count === 1 ? "1 Code ist übrig." : `${count} Codes sind übrig.`),
  generate: "Neue Wiederherstellungscodes erstellen",
  generateWarning: "Sie erhalten zehn neue Codes, und die alten gelten nicht mehr.",
  codesGenerated: "Sie haben zehn neue Wiederherstellungscodes. Die alten gelten nicht mehr.",
};
