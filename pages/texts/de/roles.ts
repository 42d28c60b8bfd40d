import type { Texts } from "../texts.ts";

export const roles: Texts["roles"] = {
  intro:
    "Eine Rolle gibt den Benutzern, die sie haben, Berechtigungen. Jeder Benutzer hat eine Rolle.",
  create: "Rolle anlegen",
  createTitle: "Eine Rolle anlegen",
  editTitle: (name) => `Rolle „${name}“ bearbeiten`,
  deleteTitle: (name) => `Rolle „${name}“ löschen?`,
  deleteIntro:
    "Eine Rolle, die Benutzer noch haben, kann nicht gelöscht werden. Protokolleinträge behalten ihren Namen.",
  showUsers: "Benutzer mit dieser Rolle anzeigen",
  edit: "Bearbeiten",
  remove: "Löschen",
  editRole: (name) => `${name} bearbeiten`,
  deleteRole: (name) => `${name} löschen`,
  deleted: (name) => `${name} wurde gelöscht.`,
  saved: (name) => `${name} wurde gespeichert.`,
  name: "Name",
  nameHint:
    "Kleinbuchstaben, Ziffern, „_“ und „-“, mit einem Buchstaben am Anfang. Er kann später nicht geändert werden.",
  description: "Beschreibung",
  requireMfa: "Zweiten Faktor verlangen",
  requireMfaHint:
    "Sitzungen von Benutzern mit dieser Rolle, die keinen zweiten Faktor haben, enden sofort. Bei der nächsten Anmeldung müssen sie einen einrichten.",
  requiresMfa: "Zweiter Faktor verlangt",
  system: "Systemrolle",
  systemHint: "An einer Systemrolle kann nur dies geändert werden.",
  counted: (count) => (count === 1 ? "1 Berechtigung" : `${count} Berechtigungen`),
  onlyHeld: "Sie können nur Berechtigungen vergeben, die Sie selbst haben.",
  matrix: "Wer was darf",
  matrixCaption: "Berechtigungen je Rolle",
  role: "Rolle",
  permission: "Berechtigung",
  granted: "Erteilt",
  notGranted: "Nicht erteilt",
  own: "Berechtigungen Ihrer Anwendung",
  ownIntro:
    "Für Roster haben sie keine Bedeutung: Rollen und API-Schlüssel erteilen sie, und Ihre Anwendung findet sie im Scope der Zugriffstoken.",
  ownNone: "Ihre Anwendung hat noch keine eigenen Berechtigungen.",
  createPermission: "Berechtigung anlegen",
  createPermissionTitle: "Eine Berechtigung anlegen",
  permissionHint: "Ein Nomen und ein Verb mit einem Doppelpunkt dazwischen, etwa invoices:approve.",
  deletePermissionTitle: (name) => `Berechtigung „${name}“ löschen?`,
  deletePermissionIntro:
    "Eine Berechtigung, die eine andere Rolle als admin oder ein gültiger API-Schlüssel hat, kann nicht gelöscht werden.",
  actions: "Aktionen",
};
