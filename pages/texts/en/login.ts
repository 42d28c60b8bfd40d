export const login = {
  title: (app: string) => `Log in to ${app}`,
  identifier: "Username or email",
  password: "Password",
  staySignedIn: "Stay signed in on this device",
  logIn: "Log in",
  secondFactor: "Second factor",
  secondFactorIntro: "Your account has a second factor. Confirm with one of them.",
  ended: "Your session has ended. Log in again.",
  polite: "This page is for administrators. Your account has no permissions here.",
  toAccount: "Go to your own account",
};
