import { nothingAttested } from '../../src/ledger/verify/acts.ts';
import type { Act } from '../../src/ledger/verify/acts.ts';
import { atKiosk, order } from './court.ts';
import {
  access,
  anchor,
  answer,
  byAuditor,
  byAuditors,
  byAuthority,
  byGateway,
  byKeeper,
  byRegistrar,
  close,
  endGrant,
  grant,
  hidden,
  lookup,
  named,
  openCase,
  revoke,
  step,
  submit,
  unseal,
  withdraw,
} from './rules/activity-cases.ts';
import { block, byHub, byTax, byTechnician, publishStatus, retireParty, retireStaff, rotate, service, setValidator, suspend, withdrawService } from './rules/party-cases.ts';
import { replace, retireAct } from './rules/resident-cases.ts';
import { body, envelopeOf, idOf, keys, lin, now, register, requestBody, residentOf, sealKeyOf, signerOf, staffAct } from './small-district.ts';

/** As an engine hands it to the application. */
export interface RecordedBlock {
  height: number;
  /** Unix milliseconds. */
  timeMs: number;
  transactions: Uint8Array[];
}

const day = 86_400;
const secondKiosk: Act = { kind: 'kiosk.enrol', id: 'hall-2', hub: 'hub-1', key: signerOf('kiosk 2').key };
const library: Act = { kind: 'party.enrol', id: 'library', party: 'agency', sign: signerOf('library').key, seal: sealKeyOf('library'), names: { 'zh-Hans': '图书馆', en: 'Library' } };
const foreign = body([endGrant()], { chain: 'imi-other' });

/**
 * Some weeks of the small district: every kind of act at least once, some of them refused, an empty block, one after a long pause in which ids
 * are forgotten, and a changed set of validators. Made anew it is the same bytes, if nothing else of these helpers was called before it.
 */
export async function recordChain(): Promise<RecordedBlock[]> {
  const [chen, wu] = [residentOf('chen'), residentOf('wu')];
  const first = await register(lin);
  const days: { after: number; transactions: (Uint8Array | Promise<Uint8Array>)[] }[] = [
    { after: 0, transactions: [] },
    { after: 1, transactions: [first, register(chen), first, Uint8Array.of(0x84), new Uint8Array(0)] },
    { after: 1, transactions: [byTax([service()]), byHub([staffAct('second staff', 'hub-1', 'staff', signerOf('second staff'))]), order([library]), byTax([service()])] },
    { after: 1, transactions: [envelopeOf(requestBody(lin, 3).body, [lin.sig, keys.kiosk]), envelopeOf(foreign, [keys.gateway])] },
    { after: 1, transactions: [atKiosk([grant(), submit()]), byGateway([step('received')]), byGateway([step('decided'), step('closed')]), byGateway([step('received')])] },
    { after: 1, transactions: [byKeeper([access('first')]), byKeeper([access('second')]), byKeeper([access('third')]), atKiosk([endGrant()]), atKiosk([endGrant()])] },
    { after: 1, transactions: [atKiosk([grant('grant 2'), submit('request 2', { refs: [idOf('grant 2')] })]), atKiosk([submit('request 3')]), atKiosk([grant('grant 3')])] },
    { after: 1, transactions: [byRegistrar([anchor]), byRegistrar([revoke()]), byRegistrar([publishStatus(now)]), byGateway([answer()]), byGateway([answer()])] },
    { after: 1, transactions: [atKiosk([withdraw()]), atKiosk([withdraw('request 2')]), byRegistrar([lookup()]), byTechnician([secondKiosk])] },
    { after: 1, transactions: [byTechnician([{ kind: 'kiosk.retire', id: 'hall-2', attested: nothingAttested }]), byTax([withdrawService]), order([suspend('library')])] },
    { after: 1, transactions: [order([setValidator('second', 20)])] },
    { after: 1, transactions: [order([setValidator('third', 5), setValidator('second', 0)]), order([setValidator('nobody', 0)])] },
    { after: 1, transactions: [byAuditors([openCase()]), byKeeper([access('under the case', hidden)]), byAuthority([unseal])] },
    { after: 60, transactions: [] },
    { after: 1, transactions: [register(wu), envelopeOf(body([block]), [keys.staff]), atKiosk([grant('grant 4')])] },
    { after: 1, transactions: [replace(), envelopeOf(body([staffAct('third staff', 'hub-1', 'officer', signerOf('third staff'))]), [keys.hub])] },
    { after: 1, transactions: [order([rotate()]), byTax([service(2)]), envelopeOf(body([service(2)]), [signerOf('tax 2')]), order([retireParty('library')]), byHub([retireStaff('second staff')])] },
    // By now most of the ids above may be forgotten.
    { after: 5 * day, transactions: [byAuthority([unseal]), byKeeper([access('after the seal', named)]), byAuditor([close])] },
    { after: 1, transactions: [] },
    { after: 1, transactions: [first, envelopeOf(body([retireAct], { notAfter: now + 30 * day }), [keys.staff, keys.clerk])] },
    { after: 26 * day, transactions: [] },
  ];
  const blocks: RecordedBlock[] = [];
  let time = now;
  for (const { after, transactions } of days) {
    time += after;
    const block: RecordedBlock = { height: blocks.length + 1, timeMs: time * 1000 + blocks.length, transactions: [] };
    for (const transaction of transactions) block.transactions.push(await transaction);
    blocks.push(block);
  }
  return blocks;
}
