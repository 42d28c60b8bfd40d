import type { Texts } from "../texts.ts";

export const apiKeys: Texts["apiKeys"] = {
  intro:
    "Mit API-Schlüsseln handeln Programme für Sie. Ein Schlüssel kann, was seine Berechtigungen erlauben. Schlüssel, Passwörter, E-Mail-Adressen und Sitzungen verwaltet er nie.",
  none: "Sie haben keine API-Schlüssel.",
  showRevoked: "Widerrufene Schlüssel anzeigen",
  create: "API-Schlüssel erstellen",
  name: "Name",
  nameHint: "Was den Schlüssel benutzt, zum Beispiel „Nächtlicher Export“.",
  scopes: "Berechtigungen",
  scopesHint:
    "Was der Schlüssel darf. Er kann nie mehr, als Ihre Rolle zu diesem Zeitpunkt erlaubt.",
  ownScopesHint: "Was der Schlüssel darf.",
  scopesMissing: "Wählen Sie mindestens eine.",
  ofApplication: "Eine Berechtigung der Anwendung.",
  prefix: "Beginnt mit",
  lastUsed: "Zuletzt benutzt",
  created: "Erstellt",
  expires: "Läuft ab",
  lastDay: "Letzter Tag",
  expiries: {
    "30": "In 30 Tagen",
    "90": "In 90 Tagen",
    "365": "In einem Jahr",
    date: "An einem Tag, den ich wähle",
    never: "Nie",
  },
  newKey: "Ihr neuer API-Schlüssel",
  newKeyWarning: "Kopieren Sie den Schlüssel jetzt. Er kann nicht noch einmal angezeigt werden.",
  use: "Programme senden ihn in diesem Header:",
  kept: "Ich habe ihn gespeichert",
  rename: "Umbenennen",
  rotate: "Ersetzen",
  rotateTitle: (name) => `Schlüssel „${name}“ ersetzen`,
  rotateWarning: "Sie erhalten einen neuen Schlüssel, und der alte gilt sofort nicht mehr.",
  revoke: "Widerrufen",
  revokeTitle: (name) => `Schlüssel „${name}“ widerrufen`,
  revokeWarning:
    "Programme, die den Schlüssel benutzen, funktionieren sofort nicht mehr. Das lässt sich nicht rückgängig machen.",
  revoked: (name) => `Der Schlüssel „${name}“ wurde widerrufen.`,
  isRevoked: "Widerrufen",
  revokedAt: "Widerrufen",
  selfScopes: {
    "me:read": "Ihren eigenen Benutzer und Ihr Profil ansehen.",
    "me:write": "Ihre eigenen Namen und Ihr Profil ändern.",
  },
  othersSelfScopes: {
    "me:read": "Benutzer und Profil der Person ansehen.",
    "me:write": "Namen und Profil der Person ändern.",
  },
};
