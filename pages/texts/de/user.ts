import type { Texts } from "../texts.ts";

export const user: Texts["user"] = {
  navigation: "Abschnitte des Benutzers",
  sections: {
    account: "Konto",
    profile: "Profil",
    sessions: "Sitzungen",
    apiKeys: "API-Schlüssel",
    trail: "Protokoll",
  },
  above:
    "Diese Person hat Berechtigungen, die Sie nicht haben. Sie können alles ansehen, aber nichts ändern.",
  status: {
    active: "Aktiv",
    inactive: "Deaktiviert",
    deleted: "Gelöscht",
    noPassword: "Ohne Passwort",
    unverified: "E-Mail nicht bestätigt",
    mfa: "Zweiter Faktor",
  },
  facts: {
    title: "Angaben",
    id: "Kennung",
    hasPassword: "Hat ein Passwort",
    updatedAt: "Geändert",
    deletedAt: "Gelöscht",
  },
  edit: {
    title: "Bearbeiten",
    emailHint:
      "Eine andere Adresse beendet die Sitzungen der Person. Die alte Adresse wird benachrichtigt, wenn sie bestätigt ist.",
    roleHint: "Eine andere Rolle beendet die Sitzungen der Person.",
    statusHint: "Wer deaktiviert ist, kann sich nicht anmelden.",
    ownEmail: "Ihre eigene E-Mail-Adresse ändern Sie in Ihrem Konto.",
  },
  profile: {
    title: "Profil",
    labels: {
      display_name: "Anzeigename",
      bio: "Über die Person",
      avatar_url: "Bild",
      phone: "Telefon",
      locale: "Sprache",
      timezone: "Zeitzone",
      metadata: "Metadaten",
    },
    hints: {
      phone: "Mit Landesvorwahl, zum Beispiel +41446681800.",
      locale:
        "Ein Sprachkürzel wie en oder de-CH. E-Mails sind nach Möglichkeit in dieser Sprache.",
      timezone: "Zum Beispiel Europe/Zurich.",
      avatar_url: "Die https-Adresse eines Bildes.",
      metadata: "Ein JSON-Objekt Ihrer Anwendung, höchstens 4 KiB.",
    },
    badMetadata: "Das ist kein JSON.",
  },
  sessions: {
    none: "Diese Person ist nicht angemeldet.",
    device: "Gerät",
    place: "Ort",
    lastUsed: "Zuletzt benutzt",
    begun: "Angemeldet",
    action: "Aktion",
    current: "Diese Sitzung",
    end: "Beenden",
    endOf: (device) => `Sitzung von ${device} beenden`,
    ended: (device) => `Die Sitzung von ${device} ist beendet.`,
    endAll: "Alle Sitzungen beenden",
    endAllEffect: "Die Person wird überall abgemeldet.",
    endAllOwn: "Sie werden überall abgemeldet, auch hier.",
    allEnded: "Alle Sitzungen sind beendet.",
  },
  noKeys: "Keine API-Schlüssel.",
  noScopes:
    "Die Berechtigungen der Rolle konnten nicht gelesen werden. Versuchen Sie es noch einmal.",
  trailEmpty: "Es wurde nichts protokolliert.",
  credentials: {
    title: "Zugang",
    sendReset: {
      title: "Passwort zurücksetzen",
      effect: "Sendet eine E-Mail mit einem Link, über den die Person ein neues Passwort wählt.",
      button: "E-Mail zum Zurücksetzen senden",
      done: "Die E-Mail ist unterwegs.",
    },
    sendInvitation: {
      title: "Einladung",
      effect: "Sendet die E-Mail noch einmal, mit der die Person ein Passwort wählt.",
      button: "Einladung senden",
      done: "Die E-Mail ist unterwegs.",
    },
    expire: {
      title: "Passwort ablaufen lassen",
      effect:
        "Bei der nächsten Anmeldung muss ein neues Passwort gewählt werden. Sitzungen bleiben.",
      button: "Ablaufen lassen",
      done: "Bei der nächsten Anmeldung muss ein neues Passwort gewählt werden.",
    },
    unlock: {
      title: "Entsperren",
      effect: "Vergisst fehlgeschlagene Anmeldungen, damit nichts mehr gesperrt ist.",
      button: "Entsperren",
      done: "Es ist nichts mehr gesperrt.",
    },
    sendVerification: {
      title: "Bestätigung",
      effect: "Sendet noch einmal den Link, der die E-Mail-Adresse bestätigt.",
      button: "Bestätigungslink senden",
      done: "Die E-Mail ist unterwegs.",
    },
    markVerified: {
      title: "E-Mail als bestätigt markieren",
      effect: "Nur, wenn Sie auf anderem Weg wissen, dass die Adresse der Person gehört.",
      button: "Als bestätigt markieren",
      done: "Die E-Mail ist bestätigt.",
    },
    resetFactors: {
      title: "Zweite Faktoren zurücksetzen",
      effect:
        "Entfernt alle zweiten Faktoren und Wiederherstellungscodes und beendet alle Sitzungen. Stellen Sie auf anderem Weg sicher, dass die Bitte von der Person kommt: Danach genügt das Passwort zur Anmeldung.",
      button: "Faktoren zurücksetzen",
      done: "Die Person hat keinen zweiten Faktor.",
    },
  },
  lifecycle: {
    title: "Daten",
    export: {
      title: "Exportieren",
      effect: "Lädt alles, was über die Person gespeichert ist, als eine JSON-Datei herunter.",
      button: "Daten herunterladen",
      done: "Die Datei wurde heruntergeladen.",
    },
    restore: {
      title: "Wiederherstellen",
      effect: "Das Konto kann wieder benutzt werden.",
      button: "Benutzer wiederherstellen",
      done: "Der Benutzer wurde wiederhergestellt.",
    },
    delete: {
      title: "Löschen",
      effect:
        "Beendet alle Sitzungen, widerruft API-Schlüssel und gibt Benutzernamen und E-Mail-Adresse frei. Der Benutzer kann wiederhergestellt werden, bis die Daten entfernt werden.",
      button: "Benutzer löschen",
      done: "Der Benutzer wurde gelöscht.",
    },
    erase: {
      title: "Endgültig entfernen",
      effect:
        "Entfernt jetzt alle personenbezogenen Daten, auch aus dem Protokoll. Das kann nicht rückgängig gemacht werden.",
      button: "Benutzer entfernen",
      done: "Der Benutzer wurde entfernt.",
    },
  },
};
