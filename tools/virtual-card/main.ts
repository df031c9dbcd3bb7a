/**
 * The virtual card: `main.ts --resident PORT --staff PORT [--touch-limit-ms N]`, a program of its own that plugs cards into a
 * vpcd reader. Orders come as JSON lines on standard input, answers and events go out as JSON lines on standard output
 * (`control.ts`). It ends when its input does.
 */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { type ControlMessage, type ControlRequest, controlRequestSchema, type Slot } from './control.ts';
import { ReaderSlot } from './reader-slot.ts';
import { never } from '../../src/contract/result.ts';

const { values } = parseArgs({
  options: {
    resident: { type: 'string' },
    staff: { type: 'string' },
    'touch-limit-ms': { type: 'string', default: '15000' },
  },
});

const number = (text: string | undefined, name: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) {
    process.stderr.write(`virtual card: --${name} must be a whole number\n`);
    process.exit(2);
  }
  return value;
};

const say = (message: ControlMessage): void => {
  process.stdout.write(`${JSON.stringify(message)}\n`);
};

const times = { noticeLimitMs: 5000, retryMs: 200, touchLimitMs: number(values['touch-limit-ms'], 'touch-limit-ms') };
const slots: Record<Slot, ReaderSlot> = {
  resident: new ReaderSlot('resident', number(values.resident, 'resident'), times, say),
  staff: new ReaderSlot('staff', number(values.staff, 'staff'), times, say),
};

async function carryOut(request: ControlRequest): Promise<void> {
  switch (request.do) {
    case 'insert':
      return slots[request.slot].insert(request.card);
    case 'pull':
      return slots[request.slot].pull();
    case 'fault':
      return slots[request.slot].setFault(request.fault);
    case 'touch':
      return slots[request.slot].touch();
    case 'status':
      return;
    default:
      return never(request);
  }
}

async function answer(line: string): Promise<void> {
  const request = controlRequestSchema.parse(JSON.parse(line));
  try {
    await carryOut(request);
    say({ id: request.id, ok: true, status: { resident: slots.resident.status, staff: slots.staff.status } });
  } catch (error) {
    say({ id: request.id, ok: false, error: error instanceof Error ? error.message : String(error) });
  }
}

const orders = createInterface({ input: process.stdin });
orders.on('line', (line) => void answer(line));
orders.on('close', () => {
  slots.resident.pull();
  slots.staff.pull();
  process.exit(0);
});
