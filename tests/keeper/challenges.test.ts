import { describe, expect, it } from 'vitest';
import { Challenges } from '../../src/keeper/challenges.ts';
import { Sessions } from '../../src/keeper/sessions.ts';
import { must } from '../hub/visitor.ts';

const now = 1_800_000_000;
const kioskNonce = new Uint8Array(16).fill(7);

describe('a challenge', () => {
  const issued = (): { challenges: Challenges; nonce: Uint8Array; notAfter: number } => {
    const challenges = new Challenges();
    const { keeperNonce, notAfter } = must(challenges.issue(kioskNonce, null, now));
    return { challenges, nonce: new Uint8Array([...kioskNonce, ...keeperNonce]), notAfter };
  };

  it.each([
    { name: 'at once', at: now, good: true },
    { name: 'in its last second', at: now + 120, good: true },
    { name: 'a second later', at: now + 121, good: false },
  ])('used $name: $good', ({ at, good }) => {
    const { challenges, nonce, notAfter } = issued();
    expect(challenges.use(nonce, notAfter, at)).toBe(good);
    expect(challenges.use(nonce, notAfter, at)).toBe(false);
  });

  it("is not good with another kiosk's half", () => {
    const { challenges, nonce, notAfter } = issued();
    expect(challenges.use(nonce.with(0, 8), notAfter, now)).toBe(false);
  });

  it('is refused while too many are open, and given again when those are dead', () => {
    const { challenges } = issued();
    for (let i = 1; i < 512; i++) must(challenges.issue(kioskNonce, null, now));
    const refused = challenges.issue(kioskNonce, null, now);
    expect(!refused.ok && refused.failure.code).toBe('hub-busy');
    expect(challenges.issue(kioskNonce, null, now + 121).ok).toBe(true);
  });

  it('is refused to a kiosk that has 32 open, and to no other', () => {
    const challenges = new Challenges();
    for (let i = 0; i < 32; i++) must(challenges.issue(kioskNonce, 'hall-1', now));
    expect(challenges.issue(kioskNonce, 'hall-1', now)).toMatchObject({ ok: false, failure: { code: 'hub-busy' } });
    const { keeperNonce, notAfter } = must(challenges.issue(kioskNonce, 'hall-2', now));
    expect(challenges.use(new Uint8Array([...kioskNonce, ...keeperNonce]), notAfter, now)).toBe(true);
  });
});

describe('a session', () => {
  it('lasts 20 minutes and ends when it is ended', () => {
    const sessions = new Sessions();
    const session = must(sessions.begin(kioskNonce, now));
    expect(sessions.resident(session, now + 1199)).toEqual(kioskNonce);
    expect(sessions.resident(session, now + 1200)).toBeNull();
    sessions.end(session);
    expect(sessions.resident(session, now)).toBeNull();
    expect(sessions.resident(new Uint8Array(16), now)).toBeNull();
  });
});
