import { assign, fromPromise, setup, type SnapshotFrom } from 'xstate';
import type { BlockReason } from '../../contract/block-reason.ts';
import type { PinResult } from '../../contract/device-host.ts';
import type { Failure, Result } from '../../contract/result.ts';
import type { StaffAccess } from '../staff/work.ts';
import { afterFailure } from '../visit/failure-policy.ts';
import { pinOf, type DeskHands } from './hands.ts';
import type { DeskWork, Signed } from './work.ts';

export type BlockingNext = 'number' | 'lookUp' | 'sign' | 'home';

export interface BlockingContext extends DeskHands {
  /** As typed or read: 18 characters. */
  number: string;
  /** Why what was typed was not taken. */
  mistyped: boolean;
  resident: Uint8Array | null;
  reason: BlockReason | null;
  reference: string;
  setback: { failure: Failure; next: BlockingNext } | null;
}

export type BlockingEvent =
  | { type: 'touch.wanted' }
  | { type: 'desk.number'; number: string }
  | { type: 'desk.block'; reason: BlockReason }
  | { type: 'desk.confirm' }
  | { type: 'pin.submit'; pin: string }
  | { type: 'pin.on-reader' }
  | { type: 'back' }
  | { type: 'retry' }
  | { type: 'home' };

export type BlockingSnapshot = SnapshotFrom<ReturnType<typeof blockingMachine>>;

const setBack = (failure: Failure, next: BlockingNext): Pick<BlockingContext, 'setback'> => ({ setback: { failure, next: afterFailure(failure.code, true) === 'retry' ? next : 'home' } });

function residentOf({ resident }: BlockingContext): Uint8Array {
  if (resident === null) throw new Error('nobody was found');
  return resident;
}
function accessOf({ access }: BlockingContext): StaffAccess {
  return access;
}
function reasonOf({ reason }: BlockingContext): BlockReason {
  if (reason === null) throw new Error('no reason was given');
  return reason;
}

/** A card that is gone is blocked by its holder's number: looked up on record, and signed by the member of staff. From the block on it signs nothing more. */
export function blockingMachine(work: DeskWork) {
  return setup({
    types: { context: {} as BlockingContext, events: {} as BlockingEvent, input: {} as DeskHands },
    actors: {
      lookUp: fromPromise<Result<Signed<{ resident: Uint8Array | null }>>, { context: BlockingContext; pin: Uint8Array | null }>(({ input: { context, pin } }) =>
        work.lookUp(accessOf(context), context.staffCard, pin, context.number, 'block'),
      ),
      block: fromPromise<Result<Signed<{ reference: string }>>, { context: BlockingContext; pin: Uint8Array | null }>(({ input: { context, pin } }) =>
        work.block(accessOf(context), context.staffCard, pin, residentOf(context), reasonOf(context)),
      ),
    },
    guards: {
      isNumber: ({ event }) => event.type === 'desk.number' && work.isNumber(event.number),
      found: (_, { result }: { result: Result<Signed<{ resident: Uint8Array | null }>> }) => result.ok && result.value.verified && result.value.resident !== null,
      unknown: (_, { result }: { result: Result<Signed<{ resident: Uint8Array | null }>> }) => result.ok && result.value.verified && result.value.resident === null,
      verified: (_, { result }: { result: Result<PinResult> }) => result.ok && result.value.verified,
      succeeded: (_, { result }: { result: Result<unknown> }) => result.ok,
      leadsTo: ({ context }, { next }: { next: BlockingNext }) => context.setback?.next === next,
    },
    actions: {
      takeNumber: assign(({ event }) => (event.type === 'desk.number' ? { number: event.number.toUpperCase(), mistyped: false } : {})),
      noteMistyped: assign({ mistyped: true }),
      takeReason: assign(({ event }) => (event.type === 'desk.block' ? { reason: event.reason } : {})),
      keepResident: assign((_, { result }: { result: Result<Signed<{ resident: Uint8Array | null }>> }) => (result.ok && result.value.verified ? { resident: result.value.resident, pinWrong: false } : {})),
      keepReference: assign((_, { result }: { result: Result<Signed<{ reference: string }>> }) => (result.ok && result.value.verified ? { reference: result.value.reference, pinWrong: false } : {})),
      pinWrong: assign((_, { result }: { result: Result<PinResult> }) => (result.ok && !result.value.verified ? { pinWrong: true, staffTries: result.value.triesLeft } : {})),
      noteTouch: assign({ touchWanted: true }),
      touchDone: assign({ touchWanted: false }),
      noteUnknown: assign(() => ({ setback: { failure: { code: 'resident-unknown' as const }, next: 'number' as const } })),
      noteLookUp: assign((_, { result }: { result: Result<unknown> }) => (result.ok ? {} : setBack(result.failure, 'lookUp'))),
      noteSign: assign((_, { result }: { result: Result<unknown> }) => (result.ok ? {} : setBack(result.failure, 'sign'))),
      noteFault: assign(() => ({ setback: { failure: { code: 'kiosk-fault' as const }, next: 'home' as const } })),
      clearSetback: assign({ setback: null }),
    },
  }).createMachine({
    id: 'blocking',
    context: ({ input }) => ({ ...input, number: '', mistyped: false, resident: null, reason: null, reference: '', setback: null }),
    initial: 'number',
    on: { 'touch.wanted': { actions: 'noteTouch' } },
    states: {
      number: { on: { back: 'over', 'desk.number': [{ guard: 'isNumber', target: 'lookUp', actions: 'takeNumber' }, { actions: 'noteMistyped' }] } },
      lookUp: {
        initial: 'pin',
        states: {
          pin: { on: { back: '#blocking.number', 'pin.submit': 'working', 'pin.on-reader': 'working' } },
          working: {
            exit: 'touchDone',
            invoke: {
              src: 'lookUp',
              input: ({ context, event }) => ({ context, pin: pinOf(event) }),
              onDone: [
                { guard: { type: 'found', params: ({ event }) => ({ result: event.output }) }, target: '#blocking.reason', actions: { type: 'keepResident', params: ({ event }) => ({ result: event.output }) } },
                { guard: { type: 'unknown', params: ({ event }) => ({ result: event.output }) }, target: '#blocking.failed', actions: 'noteUnknown' },
                { guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) }, target: 'pin', actions: { type: 'pinWrong', params: ({ event }) => ({ result: event.output }) } },
                { target: '#blocking.failed', actions: { type: 'noteLookUp', params: ({ event }) => ({ result: event.output }) } },
              ],
              onError: { target: '#blocking.failed', actions: 'noteFault' },
            },
          },
        },
      },
      reason: { on: { back: 'over', 'desk.block': { target: 'sign', actions: 'takeReason' } } },
      sign: {
        initial: 'pin',
        states: {
          pin: { on: { back: '#blocking.reason', 'pin.submit': 'working', 'pin.on-reader': 'working' } },
          working: {
            exit: 'touchDone',
            invoke: {
              src: 'block',
              input: ({ context, event }) => ({ context, pin: pinOf(event) }),
              onDone: [
                { guard: { type: 'verified', params: ({ event }) => ({ result: event.output }) }, target: '#blocking.done', actions: { type: 'keepReference', params: ({ event }) => ({ result: event.output }) } },
                { guard: { type: 'succeeded', params: ({ event }) => ({ result: event.output }) }, target: 'pin', actions: { type: 'pinWrong', params: ({ event }) => ({ result: event.output }) } },
                { target: '#blocking.failed', actions: { type: 'noteSign', params: ({ event }) => ({ result: event.output }) } },
              ],
              onError: { target: '#blocking.failed', actions: 'noteFault' },
            },
          },
        },
      },
      done: { on: { 'desk.confirm': 'over' } },
      failed: {
        exit: 'clearSetback',
        on: {
          home: 'over',
          retry: [
            { guard: { type: 'leadsTo', params: { next: 'number' } }, target: 'number' },
            { guard: { type: 'leadsTo', params: { next: 'lookUp' } }, target: 'lookUp' },
            { guard: { type: 'leadsTo', params: { next: 'sign' } }, target: 'sign' },
          ],
        },
      },
      over: { type: 'final' },
    },
  });
}
