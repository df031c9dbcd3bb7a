/** Writes docs/failures.md from the messages that the screens show: `node tools/docs/write-failures.ts`. */
import { writeFileSync } from 'node:fs';
import { answerRefusalCodes, failureCodes, gatewayCodes, refusalCodes, rejectionCodes, type FailureCode } from '../../src/contract/failures.ts';
import en from '../../src/contract/messages/en.json' with { type: 'json' };
import zhHans from '../../src/contract/messages/zh-Hans.json' with { type: 'json' };
import { afterFailure, type AfterFailure } from '../../src/main/visit/failure-policy.ts';

const buttons: Record<AfterFailure, string> = { retry: en.failurePage.retry, home: en.failurePage.home, 'take-card': en.failurePage.takeCard };

function pageOf(code: FailureCode): string {
  const [words, chinese] = [en.failure[code], zhHans.failure[code]];
  const [inside, outside] = [afterFailure(code, true), afterFailure(code, false)].map((after) => `“${buttons[after]}”`);
  const button = inside === outside ? `${inside}.` : `${inside} once somebody is signed in, before that ${outside}.`;
  return [`### \`${code}\``, '', `**${words.title}** · ${chinese.title}`, '', `- ${words.why} ${chinese.why}`, `- ${words.todo} ${chinese.todo}`, `- The button: ${button}`, ''].join('\n');
}

/** Codes of one kind, each in one sentence; those without words for residents are answered to programs alone. */
function tableOf(codes: readonly string[]): string {
  const inWords: Record<string, string | undefined> = { ...en.problem, ...en.rejection };
  const inChinese: Record<string, string | undefined> = { ...zhHans.problem, ...zhHans.rejection };
  return ['| Code | English | 中文 |', '|---|---|---|', ...codes.map((code) => `| \`${code}\` | ${inWords[code] ?? ''} | ${inChinese[code] ?? ''} |`), ''].join('\n');
}

export const failuresFile = {
  path: new URL('../../docs/failures.md', import.meta.url),
  text: (): string =>
    [
      '# Failures, code by code',
      '',
      'What the screen says of each, in every language, and what its button does in a visit. What hub staff do is in [staff.md](staff.md), what a technician looks for in [technicians.md](technicians.md). This page is written by `tools/docs/write-failures.ts` from what the screens show; change it there.',
      '',
      '## On a page of its own',
      '',
      ...failureCodes.map(pageOf),
      '## Why the ledger rejects a transaction',
      '',
      'Nothing of it is recorded, and the request is shown with this reason at the next visit.',
      '',
      tableOf(rejectionCodes),
      '## Why the keeper refuses what comes along with one, or a release',
      '',
      tableOf(refusalCodes),
      '## Why an ask is not taken, or an answer is none',
      '',
      tableOf(answerRefusalCodes),
      '## Why the gateway refuses a call',
      '',
      'The `code` of a problem (RFC 9457); [agencies.md](agencies.md) has the rest.',
      '',
      tableOf(gatewayCodes),
    ].join('\n'),
} as const;

if (process.argv[1] === import.meta.filename) writeFileSync(failuresFile.path, failuresFile.text());
