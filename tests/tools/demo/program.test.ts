import { describe, expect, it } from 'vitest';
import { startProgram } from '../../../tools/demo/program.ts';

const node = (script: string) => ({ name: 'a program', command: process.execPath, args: ['-e', script] });

describe('a program of the demonstration', () => {
  it('is ready when it says so, and ends when told', async () => {
    const program = await startProgram({ ...node("console.log('ready now'); setInterval(() => {}, 1000)"), readyLine: /^ready now$/ });
    await program.end();
    expect(await program.ended).not.toBe(0);
  });

  it('may end by itself', async () => {
    expect(await (await startProgram(node('process.exit(7)'))).ended).toBe(7);
  });

  it('is a fault where it ends before it is ready', async () => {
    await expect(startProgram({ ...node('process.exit(3)'), readyLine: /^never$/ })).rejects.toThrow('a program ended with code 3');
  });

  it('is a fault where it cannot be started', async () => {
    await expect(startProgram({ name: 'nothing', command: '/nowhere/at-all', args: [], readyLine: /^never$/ })).rejects.toThrow('nothing ended with code');
  });
});
