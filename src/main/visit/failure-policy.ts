import type { FailureCode } from '../../contract/failures.ts';
import { never } from '../../contract/result.ts';

/** What the main button of a failure page does in a visit. */
export type AfterFailure = 'retry' | 'home' | 'take-card';

/**
 * `retry` where the same again may go well in a minute, `take-card` where this card can do nothing more here, else back home,
 * or, before anybody is signed in, out with the card.
 */
export function afterFailure(code: FailureCode, signedIn: boolean): AfterFailure {
  switch (code) {
    case 'hub-unreachable':
    case 'hub-storage':
    case 'hub-busy':
    case 'head-too-old':
    case 'head-invalid':
    case 'proof-invalid':
    case 'device-lost':
    case 'device-key-silent':
    case 'identity-card-missing':
    case 'identity-card-unselected':
    case 'identity-card-unreadable':
    case 'identity-card-unknown':
    case 'printer-paper-out':
    case 'printer-cover-open':
    case 'printer-jammed':
    case 'printer-unconfirmed':
    case 'card-error':
    case 'card-in-use':
    case 'card-touch-missed':
    case 'pin-wrong':
    case 'pin-format':
    case 'pin-pad-cancelled':
      return 'retry';
    case 'card-mute':
    case 'card-unknown':
    case 'card-unsupported':
    case 'card-removed':
    case 'card-timeout':
    case 'card-not-blank':
    case 'card-not-wiped':
    case 'card-wrong-curve':
    case 'card-aut-short':
    case 'card-not-made':
    case 'card-code-blocked':
    case 'card-registered':
    case 'card-waiting':
    case 'card-another':
    case 'identity-card-refused':
    case 'document-number':
    case 'document-expired':
    case 'document-not-yet-valid':
    case 'document-kind':
    case 'resident-known':
    case 'resident-unknown':
    case 'resident-retired':
    case 'draft-gone':
    case 'device-host-lost':
    case 'pin-last-try':
    case 'pin-blocked':
    case 'key-unknown':
    case 'key-blocked':
    case 'key-not-resident':
    case 'staff-card-unknown':
    case 'staff-card-role':
    case 'staff-card-expired':
    case 'staff-card-retired':
    case 'staff-card-office':
    case 'staff-card-another':
    case 'challenge-failed':
    case 'space-unreadable':
    case 'credential-invalid':
    case 'trust-expired':
    case 'ledger-split':
    case 'kiosk-not-enrolled':
      return 'take-card';
    case 'reader-no-service':
    case 'reader-no-permission':
    case 'reader-missing':
    case 'device-no-permission':
    case 'device-keyboard':
    case 'device-fault':
    case 'identity-reader-missing':
    case 'identity-reader-broken':
    case 'identity-reader-unauthorised':
    case 'scanner-missing':
    case 'printer-missing':
    case 'key-read-only':
    case 'signature-failed':
    case 'hub-refused':
    case 'service-unknown':
    case 'request-rejected':
    case 'request-expired':
    case 'message-too-large':
    case 'message-invalid':
    case 'kiosk-storage':
    case 'kiosk-config':
    case 'browser-missing':
    case 'browser-sandbox':
    case 'screen-lost':
    case 'kiosk-fault':
      return signedIn ? 'home' : 'take-card';
  }
  return never(code);
}
