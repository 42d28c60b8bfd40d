import type { Texts } from "../texts.ts";

export const login: Texts["login"] = {
  title: (app) => `Bei ${app} anmelden`,
  identifier: "Benutzername oder E-Mail-Adresse",
  password: "Passwort",
  staySignedIn: "Auf diesem Gerät angemeldet bleiben",
  logIn: "Anmelden",
  secondFactor: "Zweiter Faktor",
  secondFactorIntro: "Ihr Konto hat einen zweiten Faktor. Bestätigen Sie mit einem davon.",
  ended: "Ihre Sitzung ist beendet. Melden Sie sich noch einmal an.",
  polite: "Diese Seite ist für Administratoren. Ihr Konto hat hier keine Berechtigungen.",
  toAccount: "Zu Ihrem eigenen Konto",
};
