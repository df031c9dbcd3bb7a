import { visitMachine } from '../../src/main/visit/machine.ts';
import type { VisitWork } from '../../src/main/visit/work.ts';

interface StateNode {
  states: Record<string, StateNode>;
  always?: readonly { guard?: unknown }[];
}

const machine = visitMachine({
  work: {} as VisitWork,
  settings: { languages: ['en'], idleLimitMs: 1, idleGraceMs: 1, farewellMs: 1, recordWaitMs: 1, paperDots: null, oneReader: false },
  closureNow: () => null,
  brought: () => null,
  newVisitId: () => '',
});

/** Every state of a visit that a card can be pulled in, named as in the journal: those that are not left at once in any case. */
export function statesThatLast(): string[] {
  const { stage } = machine.root.states as unknown as Record<string, StateNode>;
  const visiting = stage?.states['visiting'];
  if (visiting === undefined) throw new Error('the machine has no visits');
  return leaves(visiting, 'visiting');
}

function leaves({ states, always }: StateNode, path: string): string[] {
  const inner = Object.entries(states);
  if (inner.length > 0) return inner.flatMap(([name, node]) => leaves(node, `${path}.${name}`));
  return always?.some(({ guard }) => guard === undefined) === true ? [] : [path];
}
