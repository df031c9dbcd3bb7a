import { doorMethods } from '../../src/contract/hub-door.ts';
import { fail } from '../../src/contract/result.ts';
import type { DoorHandlers } from '../../src/hub/conversation.ts';

/** A hub that refuses whatever it is asked, but what the test has an answer to. */
export function refusingHandlers(but: Partial<DoorHandlers>): DoorHandlers {
  const refuse = (): Promise<ReturnType<typeof fail<'hub-refused'>>> => Promise.resolve(fail('hub-refused'));
  // Every method of the contract is in it.
  const refusing = Object.fromEntries(Object.keys(doorMethods).map((method) => [method, refuse])) as unknown as DoorHandlers;
  return { ...refusing, ...but };
}
