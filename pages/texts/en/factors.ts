export const factors = {
  totp: "Authenticator app",
  passkey: "Passkey",
  scan: "Scan the QR code with an authenticator app on your phone.",
  typeCode: "Type the code that the app shows then.",
  qrCode: "QR code for the authenticator app",
  orTypeSecret: "If you cannot scan it, type this key into the app:",
  secret: "Key",
  code: "Code from the app",
  createPasskey: "Create a passkey",
  passkeyIntro:
    "A passkey logs you in with your fingerprint, your face, the PIN of your device, or a security key.",
  passkeyName: "Name of the passkey",
  passkeyNameHint: "For example, the device that keeps it.",
  thisDevice: "This device",
  recoveryCodes: "Recovery codes",
  recoveryCodesIntro:
    "Each of these codes replaces your second factor once, for example if you lose your phone. Keep them in a safe place. They are not shown again.",
  recoveryCodesFile: (app: string, host: string) =>
    `Recovery codes for ${app} (${host}). Each one works once.`,
  kept: "I have kept the codes",
};
