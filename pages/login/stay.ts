/** The member of a login's body that keeps the refresh token in a cookie ("stay signed in"). */
export function stay(staysSignedIn: boolean) {
  return staysSignedIn ? { stay_signed_in: true } : {};
}
