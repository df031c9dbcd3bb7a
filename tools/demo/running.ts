import { type Program, type ProgramOptions, startProgram } from './program.ts';

/** Everything that has to end again, in the order in which it began. */
export class Running {
  stopAsked = false;
  readonly stop: Promise<0>;
  private readonly parts: (() => Promise<void>)[] = [];

  constructor() {
    this.stop = new Promise((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
        process.on(signal, () => {
          this.stopAsked = true;
          resolve(0);
        });
      }
    });
  }

  with(end: () => Promise<void>): void {
    this.parts.push(end);
  }

  async program(options: ProgramOptions): Promise<Program> {
    const program = await startProgram(options);
    this.with(() => program.end());
    return program;
  }

  /** The last to begin ends first. */
  async end(): Promise<void> {
    for (const end of this.parts.splice(0).reverse()) await end();
  }
}
