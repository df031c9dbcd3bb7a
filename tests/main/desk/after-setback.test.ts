import { expect, test } from 'vitest';
import { afterSetback, deskButton } from '../../../src/main/desk/after-setback.ts';

test.each([
  { name: 'what may go well in a minute is tried again', code: 'hub-unreachable', asked: 'delivering', button: { next: 'retry' } },
  { name: 'another document', code: 'document-expired', asked: 'document', button: { next: 'retry', another: 'document' } },
  { name: 'a document that did not prove itself is no good a second time', code: 'identity-card-refused', asked: 'document', button: { next: 'retry', another: 'document' } },
  { name: 'the same document, laid down better', code: 'identity-card-unreadable', asked: 'document', button: { next: 'retry' } },
  { name: 'another number', code: 'resident-unknown', asked: 'number', button: { next: 'retry', another: 'number' } },
  { name: 'another card', code: 'card-waiting', asked: 'card', button: { next: 'retry', another: 'card' } },
  { name: 'a card whose code is used up', code: 'card-code-blocked', asked: 'card', button: { next: 'home' } },
  { name: 'the staff’s own card', code: 'staff-card-another', asked: 'staffSign', button: { next: 'retry' } },
  { name: 'what nothing helps', code: 'draft-gone', asked: 'submitting', button: { next: 'home' } },
] as const)('the button after a failure at the desk: $name', ({ code, asked, button }) => {
  expect(deskButton({ code }, afterSetback({ code }, asked))).toEqual(button);
});
