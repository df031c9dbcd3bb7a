import type { Question } from '../contract/service.ts';

/** Why an answer does not fit its question. */
export type AnswerProblem = 'missing' | 'format' | 'too-small' | 'too-large';

export type CheckedAnswer = { ok: true; value: string } | { ok: false; problem: AnswerProblem };

/** Value as text in the form of its question: `true` or `false`, digits, a decimal, an ISO date, a member of the enum. */
export function checkAnswer(question: Question, text: string): CheckedAnswer {
  const value = text.trim();
  if (value === '') return { ok: false, problem: 'missing' };
  switch (question.type) {
    case 'boolean':
      return value === 'true' || value === 'false' ? { ok: true, value } : { ok: false, problem: 'format' };
    case 'integer':
    case 'number':
      return checkNumber(question, value);
    case 'string':
      return checkText(question, value);
  }
}

function checkNumber(question: Question, value: string): CheckedAnswer {
  const form = question.type === 'integer' ? /^-?(0|[1-9][0-9]{0,14})$/ : /^-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,4})?$/;
  if (!form.test(value)) return { ok: false, problem: 'format' };
  const number = Number(value);
  if (question.minimum !== undefined && number < question.minimum) return { ok: false, problem: 'too-small' };
  if (question.maximum !== undefined && number > question.maximum) return { ok: false, problem: 'too-large' };
  return { ok: true, value };
}

function checkText(question: Question, value: string): CheckedAnswer {
  if (question.enum !== undefined && !question.enum.includes(value)) return { ok: false, problem: 'format' };
  if (question.pattern !== undefined && !new RegExp(question.pattern, 'u').test(value)) return { ok: false, problem: 'format' };
  if (question.format === 'date' && !isDate(value)) return { ok: false, problem: 'format' };
  const length = [...value].length;
  const tooLong = question.maxLength !== undefined && length > question.maxLength;
  const tooShort = question.minLength !== undefined && length < question.minLength;
  return tooLong || tooShort ? { ok: false, problem: 'format' } : { ok: true, value };
}

/** A day that the calendar has, as YYYY-MM-DD. */
function isDate(value: string): boolean {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(value)) return false;
  const date = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(value);
}
