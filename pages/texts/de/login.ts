import type { Texts } from "../texts.ts";

export const login: Texts["login"] = {
  title: (app) => `Bei ${app} anmelden`,
  identifier: "Benutzername oder E-Mail-Adresse",
  password: "Passwort",
  staySignedIn: "Auf diesem Gerät angemeldet bleiben",
  logIn: "Anmelden",
  or: "oder",
  byPasskey: "Mit einem Passkey anmelden",
  byEmail: "Per E-Mail anmelden",
  continueWith: (provider) => `Weiter mit ${provider}`,
  waitingFor: (provider) =>
    `Machen Sie im Fenster von ${provider} weiter. Wenn Sie es geschlossen haben, brechen Sie ab und versuchen es erneut.`,
  callback: "Fast fertig",
  callbackIntro:
    "Sie können dieses Fenster schließen und dort weitermachen, wo Sie begonnen haben.",
  forgot: "Passwort vergessen?",
  register: "Konto erstellen",
  haveAccount: "Mit einem vorhandenen Konto anmelden",
  registered: "Ihr Konto wurde erstellt. Melden Sie sich damit an.",
  username: "Benutzername",
  usernameRules: "3 bis 50 Buchstaben, Ziffern, Punkte, Bindestriche oder Unterstriche.",
  email: "E-Mail-Adresse",
  secondFactor: "Zweiter Faktor",
  secondFactorIntro: "Ihr Konto hat einen zweiten Faktor. Bestätigen Sie mit einem davon.",
  codeHints: {
    totp: "Sechs Ziffern, die alle 30 Sekunden wechseln.",
    recovery_code: "Einer der Codes, die Sie beim Einrichten des zweiten Faktors aufbewahrt haben.",
  },
  enroll: "Zweiten Faktor einrichten",
  enrollIntro:
    "Ihre Rolle verlangt einen zweiten Faktor. Richten Sie einen ein, und melden Sie sich dann damit an.",
  enrollMethod: "Art des zweiten Faktors",
  enrolled:
    "Ihr zweiter Faktor ist eingerichtet. Melden Sie sich noch einmal an, um ihn zu verwenden.",
  byEmailIntro:
    "Wir senden Ihnen eine E-Mail mit einem Code und einem Link. Mit beiden können Sie sich anmelden.",
  sendEmail: "E-Mail senden",
  emailSent:
    "Wenn es ein Konto mit dieser Adresse gibt, haben wir dorthin eine E-Mail gesendet. Sie gilt 10 Minuten.",
  orUseLink: "Geben Sie die sechs Ziffern ein, oder verwenden Sie den Link in der E-Mail.",
  emailLinkIntro:
    "Sie haben den Link aus einer E-Mail geöffnet. Drücken Sie auf die Schaltfläche, um sich anzumelden.",
  linkExpired: "Der Link ist abgelaufen oder wurde schon benutzt. Fordern Sie eine neue E-Mail an.",
  notVerified:
    "Bestätigen Sie zuerst Ihre E-Mail-Adresse. Wir haben Ihnen den Link noch einmal gesendet: Öffnen Sie ihn, und melden Sie sich dann an.",
  resetTitle: "Passwort zurücksetzen",
  resetIntro: "Wir senden Ihnen einen Link, mit dem Sie ein neues Passwort festlegen.",
  resetSent:
    "Wenn es ein Konto mit dieser Adresse gibt, haben wir dorthin einen Link gesendet, mit dem Sie ein Passwort festlegen. Er gilt eine Stunde.",
  sendLink: "Link senden",
  newPasswordTitle: "Neues Passwort festlegen",
  newPassword: "Neues Passwort",
  passwordRules: (minLength: number) =>
    `Mindestens ${minLength} Zeichen; kein häufiges Passwort und ohne Ihren Benutzernamen oder den Namen in Ihrer E-Mail-Adresse.`,
  setPassword: "Passwort festlegen",
  passwordExpired: "Ihr Passwort ist abgelaufen. Legen Sie ein neues fest.",
  passwordSet: "Ihr Passwort ist festgelegt. Melden Sie sich damit an.",
  tookTooLong: "Die Anmeldung hat zu lange gedauert. Melden Sie sich noch einmal an.",
  ended: "Ihre Sitzung ist beendet. Melden Sie sich noch einmal an.",
  polite: "Diese Seite ist für Administratoren. Ihr Konto hat hier keine Berechtigungen.",
  toAccount: "Zu Ihrem eigenen Konto",
};
