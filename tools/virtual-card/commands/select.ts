import { answer, type Answer, type Card, newSession } from '../card.ts';
import type { Command } from '../command.ts';
import { applicationId } from '../data-objects.ts';
import { sw } from '../status-word.ts';
import { tlv } from '../tlv.ts';

const registeredApplicationProvider = 5;

/** By the whole name or its beginning. A selection ends whatever was verified (§7.2.1); a refused one changes nothing. */
export function select(card: Card, { aid, wantsFci }: Extract<Command, { kind: 'select' }>): Answer {
  const own = applicationId(card.state);
  const matches = aid.length >= registeredApplicationProvider && Buffer.from(own.subarray(0, aid.length)).equals(aid);
  if (!matches) return answer(sw.notFound);
  card.session = { ...newSession(), selected: true };
  if (card.state.terminated) return answer(sw.terminated);
  return answer(sw.ok, wantsFci ? tlv(0x6f, tlv(0x84, own)) : undefined);
}
