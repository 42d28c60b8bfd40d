/** What adding a second factor needs, of whichever type. */
export interface EnrollmentProps {
  /** The token of `mfa_enrollment_required`. Without it, the factor is added in the session of the page. */
  mfaToken?: string;
  /** Called when the factor is added; with recovery codes if it is the first one. */
  onDone: (recoveryCodes: readonly string[] | undefined) => unknown;
  onCancel?: () => void;
}
