import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What takes a minute and more, longest first: a worker that came to one of these last would keep the other waiting. */
const longest = [
  'tests/renderer/screens-portrait.test.ts',
  'tests/renderer/screens-landscape.test.ts',
  'tests/pages/receipt-page.test.ts',
  'tests/ledger/engines/cometbft/comet-ledger.test.ts',
  'tests/ledger/crash/kill.test.ts',
  'tests/ledger/crash/kill-node.test.ts',
  'tests/renderer/differences.test.ts',
];

/** The order of the test files; behind those that are named, as vitest orders them: by what it knows of an earlier run, and on a new machine by size. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const at = longest.findIndex((name) => moduleId.endsWith(name));
      return at === -1 ? longest.length : at;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}
