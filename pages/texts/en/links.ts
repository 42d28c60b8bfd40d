/** The pages that links in emails open. */
export const links = {
  expired: "This link no longer works",
  toAccount: "Go to your account",
  verify: "Confirm your email address",
  verifyIntro: "Is this email address yours? Then confirm it.",
  verifyButton: "Confirm this address",
  verified: (address: string) => `The address ${address} is confirmed.`,
  verifyExpired: "It has expired or was used, or a newer link was sent. Request a new one.",
  verifyExpiredLogIn:
    "It has expired or was used, or a newer link was sent. Log in to request a new one.",
  logInToResend: "Log in",
  resend: "Send a new link",
  resent: "If your address is not confirmed yet, we have sent you a new link.",
  disown: "Was this not you?",
  disownIntro:
    "Someone has created an account with your email address. If it was not you, delete the account. If it was, close this page.",
  disownButton: "This was not me: delete the account",
  disownTitle: "Delete the account?",
  disownWarning: "The account and everything in it are deleted. This cannot be undone.",
  disownConfirm: "Delete the account",
  disowned: "The account was deleted. There is nothing else to do.",
  resetIntro: "Afterwards you have to log in again on all your devices.",
  resetExpired: "It has expired or was used, or a newer link was sent. Request a new one.",
  invitation: (app: string) => `Welcome to ${app}`,
  invitationIntro: "There is an account for you. Set a password to use it.",
  invitationExpired:
    "The invitation has expired or was used. Request a link to set a password, or ask whoever invited you.",
};
