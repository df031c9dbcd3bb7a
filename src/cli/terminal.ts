import { createInterface } from 'node:readline';

/** Whoever sits before it. null: there is nobody any more. */
export interface Terminal {
  say(text: string): void;
  complain(text: string): void;
  ask(question: string): Promise<string | null>;
  /** What is typed is not shown. */
  askHidden(question: string): Promise<string | null>;
}

/** Questions and answers, a line each. What is typed for a PIN is not shown, and never stands among the arguments. */
export function openTerminal(input: NodeJS.ReadStream = process.stdin, output: NodeJS.WriteStream = process.stdout, errors: NodeJS.WriteStream = process.stderr): Terminal & { close(): void } {
  let hidden = false;
  const lines: string[] = [];
  const waiting: ((line: string | null) => void)[] = [];
  let ended = false;
  const reader = createInterface({ input, terminal: false });
  reader.on('line', (line) => {
    const next = waiting.shift();
    if (next === undefined) lines.push(line);
    else next(line);
  });
  reader.on('close', () => {
    ended = true;
    for (const next of waiting.splice(0)) next(null);
  });
  const nextLine = (): Promise<string | null> => {
    const [line] = lines.splice(0, 1);
    if (line !== undefined) return Promise.resolve(line);
    return ended ? Promise.resolve(null) : new Promise((resolve) => waiting.push(resolve));
  };
  return {
    say: (text) => void output.write(`${text}\n`),
    complain: (text) => void errors.write(`${text}\n`),
    async ask(question) {
      output.write(question);
      return nextLine();
    },
    async askHidden(question) {
      output.write(question);
      if (!input.isTTY) return nextLine();
      // Raw mode shows nothing of what is typed; the line is put together here.
      hidden = true;
      reader.pause();
      const line = await typedUnseen(input);
      hidden = false;
      output.write('\n');
      reader.resume();
      return line;
    },
    close() {
      if (hidden && input.isTTY) input.setRawMode(false);
      reader.close();
      input.pause();
    },
  };
}

/** null: broken off with Ctrl-C or Ctrl-D. */
function typedUnseen(input: NodeJS.ReadStream): Promise<string | null> {
  input.setRawMode(true);
  input.resume();
  return new Promise((resolve) => {
    let typed = '';
    const finish = (line: string | null): void => {
      input.off('data', take);
      input.setRawMode(false);
      resolve(line);
    };
    const take = (piece: Buffer): void => {
      for (const sign of piece.toString('utf8')) {
        if (sign === '\r' || sign === '\n') return finish(typed);
        if (sign === '\u0003' || sign === '\u0004') return finish(null);
        if (sign === '\u007f' || sign === '\b') typed = typed.slice(0, -1);
        else typed += sign;
      }
    };
    input.on('data', take);
  });
}
