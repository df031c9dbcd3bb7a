import { closeSync, constants, openSync } from 'node:fs';
import type { ReaderService } from '../../contract/device-host.ts';
import type { FailureCode } from '../../contract/failures.ts';
import { fail, never } from '../../contract/result.ts';
import type { Failure } from '../../contract/result.ts';
import type { PcscFailure, PcscFailureCode, SlotReading } from './pcsc.ts';

interface ScardCode {
  value: number;
  name: string;
  means: PcscFailureCode;
  /** How the `smartcard` binding words it: it hands over no number (src/pcsc_errors.h, 3.7.0). */
  smartcardText?: string;
}

/** pcsclite.h. What is not listed is `communication`: try again, and if that does not help, replug. */
const scardCodes: readonly ScardCode[] = [
  { value: 0x80100002, name: 'SCARD_E_CANCELLED', means: 'cancelled', smartcardText: 'Operation cancelled' },
  { value: 0x80100009, name: 'SCARD_E_UNKNOWN_READER', means: 'unknown-reader', smartcardText: 'Unknown reader' },
  { value: 0x8010000a, name: 'SCARD_E_TIMEOUT', means: 'timeout', smartcardText: 'Operation timed out' },
  { value: 0x8010000b, name: 'SCARD_E_SHARING_VIOLATION', means: 'in-use', smartcardText: 'Sharing violation' },
  { value: 0x8010000c, name: 'SCARD_E_NO_SMARTCARD', means: 'no-card', smartcardText: 'No smart card present' },
  { value: 0x8010000f, name: 'SCARD_E_PROTO_MISMATCH', means: 'unsupported', smartcardText: 'Protocol mismatch' },
  { value: 0x80100010, name: 'SCARD_E_NOT_READY', means: 'communication', smartcardText: 'Reader not ready' },
  { value: 0x80100012, name: 'SCARD_E_SYSTEM_CANCELLED', means: 'cancelled', smartcardText: 'System cancelled operation' },
  { value: 0x80100013, name: 'SCARD_F_COMM_ERROR', means: 'communication', smartcardText: 'Communication error' },
  { value: 0x80100016, name: 'SCARD_E_NOT_TRANSACTED', means: 'communication', smartcardText: 'Transaction failed' },
  { value: 0x80100017, name: 'SCARD_E_READER_UNAVAILABLE', means: 'unknown-reader', smartcardText: 'Reader unavailable' },
  { value: 0x8010001d, name: 'SCARD_E_NO_SERVICE', means: 'no-service', smartcardText: 'PC/SC service not running' },
  { value: 0x8010001e, name: 'SCARD_E_SERVICE_STOPPED', means: 'no-service', smartcardText: 'PC/SC service stopped' },
  { value: 0x80100027, name: 'SCARD_E_NO_ACCESS', means: 'no-permission' },
  { value: 0x80100065, name: 'SCARD_W_UNSUPPORTED_CARD', means: 'unsupported', smartcardText: 'Card is not supported' },
  { value: 0x80100066, name: 'SCARD_W_UNRESPONSIVE_CARD', means: 'mute', smartcardText: 'Card is unresponsive' },
  { value: 0x80100067, name: 'SCARD_W_UNPOWERED_CARD', means: 'mute', smartcardText: 'Card is unpowered' },
  { value: 0x80100068, name: 'SCARD_W_RESET_CARD', means: 'communication', smartcardText: 'Card was reset' },
  { value: 0x80100069, name: 'SCARD_W_REMOVED_CARD', means: 'removed', smartcardText: 'Card was removed' },
  { value: 0x8010006a, name: 'SCARD_W_SECURITY_VIOLATION', means: 'no-permission' },
];

/** The wording of `smartcard` for each code that it does not know, SCARD_W_SECURITY_VIOLATION among them. */
const SMARTCARD_UNKNOWN = 'Unknown PC/SC error';
const DEFAULT_SOCKET = '/run/pcscd/pcscd.comm';

/**
 * What a binding threw, as one of our codes. `pcsclite` puts the number at the end of its message, `smartcard` gives words alone; the words of
 * each are read here and nowhere else.
 */
export function pcscFailure(thrown: unknown): PcscFailure {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  const number = /\(0x([0-9a-f]{8,16})\)/i.exec(text)?.[1];
  const known =
    number === undefined
      ? scardCodes.find(({ smartcardText }) => smartcardText === text)
      : scardCodes.find(({ value }) => value === Number.parseInt(number.slice(-8), 16));
  if (known !== undefined) return { code: known.means, detail: known.name };
  return { code: 'communication', detail: number === undefined ? text : `0x${number.slice(-8)}` };
}

/**
 * The same for the first call of all, SCardEstablishContext. Two cases look like something else there: a socket that this user may not open is
 * reported as no service at all, and polkit's refusal (SCARD_W_SECURITY_VIOLATION) is a code that `smartcard` has no words for. Nor has it for others, so
 * that it is taken for the refusal only where polkit may have refused: it never refuses root, whatever the service's state.
 */
export function establishFailure(thrown: unknown, { socketPath = process.env['PCSCLITE_CSOCK_NAME'] ?? DEFAULT_SOCKET, isRoot = process.geteuid?.() === 0 } = {}): PcscFailure {
  const failure = pcscFailure(thrown);
  if (failure.code === 'no-service' && !mayOpen(socketPath)) return { code: 'no-permission', detail: `EACCES ${socketPath}` };
  return failure.detail === SMARTCARD_UNKNOWN && !isRoot ? { code: 'no-permission', detail: `${SMARTCARD_UNKNOWN}: SCARD_W_SECURITY_VIOLATION most likely` } : failure;
}

/** Opening a socket like a file never works; the errno says whether permission was the reason. access(2) would judge by the real user instead. */
function mayOpen(socketPath: string): boolean {
  try {
    closeSync(openSync(socketPath, constants.O_RDWR));
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'EACCES');
  }
}

/** The failure of a command to a card or its reader, as the person at the kiosk meets it. */
export function cardFailure(failure: PcscFailure): Failure {
  return fail(cardFailureCode(failure.code), failure.detail).failure;
}

function cardFailureCode(code: PcscFailureCode): FailureCode {
  switch (code) {
    case 'no-service':
      return 'reader-no-service';
    case 'no-permission':
      return 'reader-no-permission';
    case 'unknown-reader':
      return 'reader-missing';
    case 'no-card':
    case 'removed':
      return 'card-removed';
    case 'mute':
      return 'card-mute';
    case 'unsupported':
      return 'card-unknown';
    case 'in-use':
      return 'card-in-use';
    case 'timeout':
      return 'card-timeout';
    case 'cancelled':
    case 'communication':
      return 'card-error';
    default:
      return never(code);
  }
}

/** What a watch that ended says of the service: only a refusal needs an administrator, anything else may come back by itself. */
export function serviceAfter(failure: PcscFailure): ReaderService {
  return failure.code === 'no-permission' ? 'no-permission' : 'no-service';
}

const STATE_PRESENT = 0x0020;
const STATE_EXCLUSIVE = 0x0080;
const STATE_INUSE = 0x0100;
const STATE_MUTE = 0x0200;

/** dwEventState of SCardGetStatusChange; its upper half is the service's count of card events. */
export function slotReading(reader: string, eventState: number): SlotReading {
  return {
    reader,
    present: (eventState & STATE_PRESENT) !== 0,
    mute: (eventState & STATE_MUTE) !== 0,
    inUse: (eventState & (STATE_EXCLUSIVE | STATE_INUSE)) !== 0,
    cardEvents: (eventState >>> 16) & 0xffff,
  };
}
