import type { Texts } from "../texts.ts";

export const factors: Texts["factors"] = {
  totp: "Authenticator-App",
  passkey: "Passkey",
  scan: "Scannen Sie den QR-Code mit einer Authenticator-App auf Ihrem Telefon.",
  typeCode: "Geben Sie den Code ein, den die App dann anzeigt.",
  qrCode: "QR-Code für die Authenticator-App",
  orTypeSecret: "Wenn Sie ihn nicht scannen können, geben Sie diesen Schlüssel in die App ein:",
  secret: "Schlüssel",
  code: "Code aus der App",
  createPasskey: "Passkey erstellen",
  passkeyIntro:
    "Mit einem Passkey melden Sie sich mit Fingerabdruck, Gesicht, der PIN Ihres Geräts oder einem Sicherheitsschlüssel an.",
  passkeyName: "Name des Passkeys",
  passkeyNameHint: "Zum Beispiel das Gerät, auf dem er liegt.",
  thisDevice: "Dieses Gerät",
  recoveryCodes: "Wiederherstellungscodes",
  recoveryCodesIntro:
    "Jeder dieser Codes ersetzt Ihren zweiten Faktor einmal, zum Beispiel wenn Sie Ihr Telefon verlieren. Bewahren Sie die Codes sicher auf. Sie werden nicht noch einmal angezeigt.",
  recoveryCodesFile: (app, host) =>
    `Wiederherstellungscodes für ${app} (${host}). Jeder gilt einmal.`,
  kept: "Ich habe die Codes aufbewahrt",
};
