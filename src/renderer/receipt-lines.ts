import type { RequestState, Signable } from '../contract/bridge.ts';
import type { Localized } from '../contract/language.ts';
import type { SlipLine } from './slip.ts';
import type { useText } from './use-text.ts';

/** What paper says of a receipt. */
export interface PaperReceipt {
  what: Signable;
  reference: string;
  /** null: what was signed is about no service. */
  service: Localized | null;
  state: RequestState;
  at: string;
  fee: { amountFen: number; reference: string } | null;
  qr: readonly string[];
}

type Text = ReturnType<typeof useText>;

/** What has happened: once it is recorded by what was signed, before it and without it by how far it got. */
export function stateTitle({ t }: Text, { what, state }: Pick<PaperReceipt, 'what' | 'state'>): string {
  return t(`receipt.title.${isRecorded(state) ? what.replace('.', '-') : state}`);
}

export const isRecorded = (state: RequestState): boolean => state === 'recorded' || state === 'witnessed';

/** In plain words what the state means; in words of its own where nothing was asked for. */
export function stateText({ t, te }: Text, { what, state }: Pick<PaperReceipt, 'what' | 'state'>): string {
  const own = `receipt.${what.replace('.', '-')}.${state}`;
  return te(own) ? t(own) : t(`receipt.${state}Text`);
}

/** From its fee or reference on: what must be paid, number, day, what it means, and codes. What it is about stands above. */
export function receiptLines(text: Text, receipt: PaperReceipt): SlipLine[] {
  const { t, moment, money } = text;
  const { reference, state, at, fee, qr } = receipt;
  return [
    ...(fee ? [{ kind: 'text' as const, text: t('receipt.fee', { amount: money(fee.amountFen), reference: fee.reference }) }] : []),
    { kind: 'small', text: t('receipt.reference') },
    { kind: 'reference', text: reference },
    { kind: 'small', text: moment(at) },
    { kind: 'text', text: stateText(text, receipt) },
    ...qr.map((code): SlipLine => ({ kind: 'qr', text: code })),
    ...(qr.length > 0 ? [{ kind: 'small' as const, text: state === 'queued' ? t('receipt.qrPending') : t('receipt.qr') }] : []),
  ];
}
