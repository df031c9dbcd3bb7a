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

/** In plain words what the state means; in words of its own where nothing was asked for. */
export function stateText({ t, te }: Text, { what, state }: Pick<PaperReceipt, 'what' | 'state'>): string {
  const own = `receipt.${what.replace('.', '-')}.${state}`;
  return te(own) ? t(own) : t(`receipt.${state}Text`);
}

/** From its reference on: number, day, what it means, fee and codes. What it is about stands above. */
export function receiptLines(text: Text, receipt: PaperReceipt): SlipLine[] {
  const { t, moment, money } = text;
  const { reference, state, at, fee, qr } = receipt;
  return [
    { kind: 'small', text: t('receipt.reference') },
    { kind: 'reference', text: reference },
    { kind: 'small', text: moment(at) },
    { kind: 'text', text: stateText(text, receipt) },
    ...(fee ? [{ kind: 'text' as const, text: t('receipt.fee', { amount: money(fee.amountFen), reference: fee.reference }) }] : []),
    ...qr.map((code): SlipLine => ({ kind: 'qr', text: code })),
    ...(qr.length > 0 ? [{ kind: 'small' as const, text: state === 'queued' ? t('receipt.qrPending') : t('receipt.qr') }] : []),
  ];
}
