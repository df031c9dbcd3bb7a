import type { Language } from '../../src/contract/language.ts';
import type { Hall } from './hall.ts';
import { expect, test } from './journey.ts';
import { answers, questionsOf, services } from './steps.ts';

/** As much of an element as is looked at. */
interface DataBearer {
  dataset: Record<string, string>;
}

/** What a page says of itself besides its words: name, question, state, what is given, what was typed. */
async function stateOfPage(hall: Hall): Promise<unknown> {
  const { page } = await hall.page();
  const stage = page.locator('[data-page]');
  return {
    attributes: await stage.evaluate((element: DataBearer) => ({ ...element.dataset })),
    given: await stage.locator('[aria-checked="true"]').evaluateAll((all: DataBearer[]) => all.map(({ dataset }) => ({ ...dataset }))),
    typed: await stage.locator('.typed').allInnerTexts(),
    dots: await stage.locator('.dot.set').count(),
  };
}

/** To the other language and back: the words change, and nothing else does. */
async function switchesHere(hall: Hall): Promise<void> {
  const { page } = await hall.page();
  const before = { state: await stateOfPage(hall), title: await page.locator('h1').innerText() };
  const own = (await page.locator('html').getAttribute('lang')) as Language;
  const other: Language = own === 'en' ? 'zh-Hans' : 'en';
  await hall.kiosk.chooseLanguage(other);
  await expect(page.locator('html')).toHaveAttribute('lang', other);
  await expect(page.locator('h1')).not.toHaveText(before.title);
  expect(await stateOfPage(hall)).toEqual(before.state);
  await hall.kiosk.chooseLanguage(own);
  await expect(page.locator('html')).toHaveAttribute('lang', own);
  await expect(page.locator('h1')).toHaveText(before.title);
}

test('the language can be changed on every page, and nothing that was done is lost', async ({ kiosk, hall }) => {
  await kiosk.sees('attract');
  await switchesHere(hall);
  await kiosk.begin();
  await kiosk.sees('language');
  await kiosk.chooseLanguage('en');
  await kiosk.sees('insert-card');
  await switchesHere(hall);
  await kiosk.insertCard('lin');
  await kiosk.sees('pin');
  await kiosk.press('1', '2', '3');
  await switchesHere(hall);
  await kiosk.press('4', '5', '6');
  await kiosk.submitPin();
  await kiosk.sees('home');
  await switchesHere(hall);
  await kiosk.openService(services.tax);
  await kiosk.turn('name_latin');
  await kiosk.gives('name_latin', true);
  await switchesHere(hall);
  await kiosk.allow();
  const asked = await kiosk.answerAll(answers, () => switchesHere(hall));
  expect(asked).toEqual(questionsOf(services.tax));
  await switchesHere(hall);
  await kiosk.confirm();
  await kiosk.sees('sign');
  await kiosk.press('1', '2');
  await switchesHere(hall);
  await kiosk.press('3', '4', '5', '6');
  await kiosk.submitPin();
  await kiosk.sees('receipt', 'recorded');
  await switchesHere(hall);
  await kiosk.home();
  await kiosk.openRequests();
  await kiosk.sees('requests');
  await switchesHere(hall);
  await kiosk.openRequest();
  await kiosk.sees('request');
  await kiosk.end();
  await kiosk.sees('take-card');
  await switchesHere(hall);
  await kiosk.pullCard();
  await kiosk.sees('goodbye', 'done');
  await switchesHere(hall);
  await kiosk.nextPerson();
  await kiosk.begin();
  await kiosk.chooseLanguage('en');
  await kiosk.insertCard('he');
  await kiosk.sees('failure', 'key-unknown');
  await switchesHere(hall);
});
