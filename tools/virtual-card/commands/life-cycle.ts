import { answer, type Answer, type Card, newSession } from '../card.ts';
import { factoryPw1, factoryPw3, maxTries } from '../card-state.ts';
import { sw } from '../status-word.ts';

/** TERMINATE DF (§7.2.16). Who may is checked before. */
export function terminate(card: Card): Answer {
  card.state.terminated = true;
  card.keep();
  card.session = { ...newSession(), selected: true };
  return answer(sw.ok);
}

/** ACTIVATE FILE (§7.2.17): a terminated card is as it left the factory, without keys; another is not changed. */
export function activate(card: Card): Answer {
  const { state } = card;
  if (!state.terminated) return answer(sw.ok);
  for (const key of Object.values(state.keys)) Object.assign(key, { secret: null, fingerprint: '00'.repeat(20), createdAt: 0, touch: 'off' });
  Object.assign(state, {
    pw1: { value: Buffer.from(factoryPw1).toString('hex'), triesLeft: maxTries },
    pw3: { value: Buffer.from(factoryPw3).toString('hex'), triesLeft: maxTries },
    resetCode: null,
    pinPerSignature: true,
    caFingerprints: state.caFingerprints.map(() => '00'.repeat(20)),
    signatureCount: 0,
    holder: { name: '', language: '', sex: '39', login: '', url: '' },
    certificates: ['', '', ''],
    privateObjects: state.privateObjects === null ? null : ['', '', '', ''],
    kdf: null,
    terminated: false,
  });
  card.keep();
  card.session = newSession();
  return answer(sw.ok);
}
