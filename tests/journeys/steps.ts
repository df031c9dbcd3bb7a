import { readFileSync } from 'node:fs';
import { isVouchedClaim } from '../../src/contract/claims.ts';
import { serviceSchema } from '../../src/contract/service.ts';
import type { Language } from '../../src/contract/language.ts';
import { demoAnswers } from '../../tools/demo/answers.ts';
import { demoPin } from '../../tools/demo/people.ts';
import type { Kiosk } from '../../tools/kiosk-driver/kiosk-driver.ts';

export const pin = demoPin;

export const answers = demoAnswers;

export function answerTo(question: string): string {
  if (!(question in answers)) throw new Error(`nobody has an answer to ${question}`);
  return answers[question as keyof typeof answers];
}

export const services = {
  tax: 'tax/property-tax-certificate',
  pension: 'pension/eligibility-confirmation',
  water: 'utility/water-account-transfer',
} as const;

/** All that a service asks of somebody whom every office has vouched for, in its order. */
export function questionsOf(service: string): string[] {
  const file = new URL(`../../services/${service}.json`, import.meta.url);
  return Object.keys(serviceSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).questions.properties).filter((name) => !isVouchedClaim(name));
}

/** From the attract page to the one that asks for a card. */
export async function begin(kiosk: Kiosk, language: Language = 'en'): Promise<void> {
  await kiosk.sees('attract');
  await kiosk.begin();
  await kiosk.sees('language');
  await kiosk.chooseLanguage(language);
  await kiosk.sees('insert-card');
}

/** From the attract page to the resident's own. */
export async function signIn(kiosk: Kiosk, person: string, language: Language = 'en'): Promise<void> {
  await begin(kiosk, language);
  await kiosk.insertCard(person);
  await kiosk.sees('pin');
  await kiosk.enterPin(pin);
  await kiosk.sees('home');
}

/** From home to the page that asks for the PIN to sign; gives what had to be typed. */
export async function fillIn(kiosk: Kiosk, service: string): Promise<string[]> {
  await kiosk.openService(service);
  await kiosk.allow();
  const asked = await kiosk.answerAll(answers);
  await kiosk.confirm();
  await kiosk.sees('sign');
  return asked;
}

/** From any page of a visit to the farewell. */
export async function leave(kiosk: Kiosk): Promise<void> {
  await kiosk.end();
  await kiosk.sees('take-card');
  await kiosk.pullCard();
  await kiosk.sees('goodbye');
}
