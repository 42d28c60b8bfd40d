import type { Texts } from "../texts.ts";

export const account: Texts["account"] = {
  title: "Ihr Konto",
  navigation: "Ihr Konto",
  nav: {
    overview: "Übersicht",
    email: "E-Mail",
    password: "Passwort",
    sessions: "Sitzungen",
    factors: "Zweite Faktoren",
    identities: "Verknüpfte Konten",
    apiKeys: "API-Schlüssel",
    activity: "Aktivität",
    data: "Daten",
  },
  overview: {
    names: "Namen",
    role: "Rolle",
    since: "Konto seit",
    nameFields: { username: "Benutzername", first_name: "Vorname", last_name: "Nachname" },
    usernameHint: "3 bis 50 Buchstaben, Ziffern, _ . und -. Sie können sich mit ihm anmelden.",
    profile: "Profil",
    profileFields: {
      display_name: "Anzeigename",
      bio: "Über Sie",
      phone: "Telefon",
      locale: "Sprache",
      timezone: "Zeitzone",
      avatar_url: "Bild",
    },
    phoneHint: "Mit der Landesvorwahl, zum Beispiel +41446681800.",
    localeHint:
      "Ein Sprachkürzel, zum Beispiel de oder de-CH. E-Mails an Sie sind nach Möglichkeit in dieser Sprache.",
    timezoneHint: (here) => `Ihr Browser ist in ${here}.`,
    avatarHint: "Die https-Adresse eines Bildes.",
  },
  email: {
    yours: "Ihre E-Mail-Adresse",
    verified: "Bestätigt",
    unverified: "Nicht bestätigt",
    unverifiedIntro:
      "Öffnen Sie den Link in der E-Mail, die wir Ihnen gesendet haben. Wenn Sie sie nicht finden, sehen Sie im Spam-Ordner nach oder fordern Sie eine neue an.",
    resend: "Link noch einmal senden",
    resent:
      "Wenn Sie in der letzten Minute keinen angefordert haben, ist ein neuer Link unterwegs. Nur der neueste Link gilt.",
    change: "Adresse ändern",
    changeIntro:
      "Wir senden einen Link an die neue Adresse. Ihre Adresse ändert sich, sobald Sie ihn öffnen. Die alte Adresse wird benachrichtigt, wenn sie bestätigt ist.",
    new: "Neue E-Mail-Adresse",
    sent: (address) =>
      `Wir haben einen Link an ${address} gesendet. Öffnen Sie ihn innerhalb eines Tages, um Ihre Adresse zu ändern.`,
  },
  password: {
    current: "Aktuelles Passwort",
    new: "Neues Passwort",
    wrong: "Das ist nicht Ihr aktuelles Passwort.",
    change: "Passwort ändern",
    changeIntro: "Wenn Sie Ihr Passwort ändern, enden alle Ihre anderen Sitzungen.",
    changed: "Ihr Passwort wurde geändert. Alle anderen Sitzungen sind beendet.",
    setOne: "Passwort festlegen",
    setIntro:
      "Ihr Konto hat kein Passwort. Mit einem Passwort können Sie sich auch mit Ihrem Benutzernamen anmelden.",
    set: "Ihr Passwort wurde festgelegt. Alle anderen Sitzungen sind beendet.",
    remove: "Passwort entfernen",
    removeIntro: "Sie können sich auf andere Weise anmelden und brauchen deshalb kein Passwort.",
    removeWarning:
      "Sie können sich dann nicht mehr mit einem Passwort anmelden. Alle Ihre anderen Sitzungen enden. Sie können später wieder ein Passwort festlegen.",
    removed: "Ihr Passwort wurde entfernt. Alle anderen Sitzungen sind beendet.",
  },
  origin: {
    appOnSystem: (app, system) => `${app} auf ${system}`,
    unknownDevice: "Unbekanntes Gerät",
    unknownPlace: "Unbekannter Ort",
  },
  sessions: {
    intro: "Auf diesen Geräten sind Sie angemeldet. Beenden Sie Sitzungen, die Sie nicht kennen.",
    current: "Diese Sitzung",
    place: "Ort",
    lastUsed: "Zuletzt benutzt",
    begun: "Angemeldet",
    end: "Beenden",
    endOf: (device) => `Sitzung von ${device} beenden`,
    ended: (device) => `Die Sitzung von ${device} ist beendet.`,
    endOthers: "Alle anderen Sitzungen beenden",
    endOthersWarning:
      "Sie werden überall außer hier abgemeldet. Wenn Sie glauben, dass jemand Ihr Passwort kennt, ändern Sie es auch.",
    othersEnded: "Alle anderen Sitzungen sind beendet.",
  },
  identities: {
    intro: "Mit verknüpften Konten bei anderen Anbietern können Sie sich hier anmelden.",
    none: "Kein Konto ist verknüpft.",
    linked: "Verknüpft",
    lastUsed: "Zuletzt benutzt",
    link: (provider) => `${provider} verknüpfen`,
    isLinked: (provider) => `${provider} ist verknüpft.`,
    unlink: "Verknüpfung aufheben",
    unlinkTitle: (provider) => `Verknüpfung mit ${provider} aufheben`,
    unlinkWarning:
      "Sie können sich dann nicht mehr damit anmelden. Sie können das Konto später wieder verknüpfen.",
    unlinked: (provider) => `${provider} ist nicht mehr verknüpft.`,
    noProviders: "Bei diesem Dienst kann man sich nicht mit Konten anderer Anbieter anmelden.",
  },
  data: {
    download: "Ihre Daten herunterladen",
    downloadIntro: "Alles, was dieser Dienst über Sie gespeichert hat, als eine JSON-Datei.",
    remove: "Konto löschen",
    removeIntro:
      "Sie werden überall abgemeldet, und Ihre API-Schlüssel gelten nicht mehr. Nach einiger Zeit werden Ihre Daten endgültig gelöscht.",
    removeWarning:
      "Ihr Konto und Ihre API-Schlüssel gelten sofort nicht mehr. Sie können das nicht selbst rückgängig machen.",
    removeForGood: "Mein Konto löschen",
    deleted: "Ihr Konto ist gelöscht, und Sie sind überall abgemeldet. Ihre Daten werden gelöscht.",
  },
};
