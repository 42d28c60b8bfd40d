import type { Texts } from "../texts.ts";

export const permissions: Texts["permissions"] = {
  "users:read": "Alle Benutzer ansehen.",
  "users:create": "Benutzer anlegen.",
  "users:update": "Benutzer ändern, die keine Berechtigung haben, die einem selbst fehlt.",
  "users:delete": "Benutzer löschen und wiederherstellen, gelöschte Benutzer ansehen.",
  "users:erase": "Die personenbezogenen Daten eines Benutzers endgültig löschen.",
  "users:export": "Alle Daten eines Benutzers und die Liste der Benutzer exportieren.",
  "users:import": "Benutzer mit ihren Passwort-Hashes importieren.",
  "credentials:manage":
    "E-Mail-Adressen anderer ändern und ihre Zugangsdaten entsperren, ablaufen lassen und zurücksetzen.",
  "sessions:read": "Die Sitzungen aller Benutzer ansehen.",
  "sessions:revoke": "Die Sitzungen aller Benutzer beenden.",
  "roles:read": "Rollen und Berechtigungen ansehen.",
  "roles:write": "Rollen anlegen, ändern und löschen.",
  "roles:assign": "Benutzern Rollen zuweisen.",
  "api_keys:read": "Die API-Schlüssel aller Benutzer ansehen.",
  "api_keys:write": "Die API-Schlüssel aller Benutzer verwalten.",
  "audit:read": "Das Protokoll lesen.",
  "audit:export": "Das Protokoll exportieren.",
  "metrics:read": "Die Messwerte des Dienstes lesen.",
  "analytics:read": "Lesen, wie viele Personen sich registrieren, anmelden und bleiben.",
  "tokens:introspect": "Zugriffstoken prüfen.",
};
