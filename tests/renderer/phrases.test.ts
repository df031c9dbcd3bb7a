import fc from 'fast-check';
import { expect, test } from 'vitest';
import { phrases } from '../../src/renderer/phrases.ts';

const hardSpace = '\u00a0';

const cases: { name: string; text: string; notParted: string[] }[] = [
  { name: 'words stay whole', text: '南岭区社会保险基金管理局想看您的信息', notParted: ['社会', '保险', '基金', '管理局', '信息'] },
  { name: 'a number stays with what it counts', text: '南岭区税务局想看您的 4 项信息', notParted: [`${hardSpace}4${hardSpace}项`] },
  { name: 'the last of a date stays with its sign', text: '可以看到2026年12月22日为止。', notParted: ['22日', '为止。'] },
  { name: 'a name is parted behind its points only', text: '请迪丽努尔·阿卜杜热合曼·买买提吐尔逊登记', notParted: ['努尔\u2060·', '阿卜杜热合曼\u2060·'] },
  { name: 'a quote opens with its word', text: '申请“房产税完税证明”，并让它查看', notParted: ['“房产', '证明”，'] },
];
test.each(cases)('$name', ({ text, notParted }) => {
  const pieces = phrases(text);
  expect(pieces.length).toBeGreaterThan(1);
  for (const whole of notParted) expect(pieces.filter((piece) => piece.includes(whole))).toHaveLength(1);
});

test('nothing is lost', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...'南岭区税务局想看您的信息，。“”4 a··陈𬱖'), { maxLength: 40 }), (characters) => {
      const text = characters.join('');
      expect(phrases(text).join('').replaceAll(hardSpace, ' ').replaceAll('\u2060', '')).toBe(text);
    }),
  );
});
