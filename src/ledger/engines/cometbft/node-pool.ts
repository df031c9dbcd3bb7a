import { fail, ok, type Failure, type Result } from '../../../contract/result.ts';
import type { CometNode, NodeFailure } from './rpc.ts';

/** `behind`: it has not got there yet, others may have. `lies`: what it said does not verify. */
export type NodeFault = NodeFailure | Failure<'behind' | 'lies'>;
/** No node can help. */
export type Stopped = Failure<'trust-expired' | 'ledger-split'>;
/** None of the nodes could be asked. */
export type NoNode = Failure<'hub-unreachable'>;

const isStopped = (failure: NodeFault | Stopped): failure is Stopped => failure.code === 'trust-expired' || failure.code === 'ledger-split';

export type Work<T> = (node: CometNode) => Promise<Result<T, NodeFault | Stopped>>;

export interface NodePoolOptions {
  nodes: readonly CometNode[];
  /** Unix milliseconds. */
  clock: () => number;
  /** For the hub's log: who, and what did not verify. */
  onLie: (url: string, what: string) => void;
  times?: Partial<PoolTimes>;
}

export interface PoolTimes {
  /** A node that was silent is asked last for so long; doubled each time, up to the most. */
  silentMs: number;
  mostSilentMs: number;
  /** One that lied. */
  lieMs: number;
  behindMs: number;
}

const usualTimes: PoolTimes = { silentMs: 5000, mostSilentMs: 60_000, lieMs: 600_000, behindMs: 500 };

interface Member {
  node: CometNode;
  asideUntilMs: number;
  silences: number;
}

/** Nodes that are believed in nothing: whoever answers badly is asked last for a while, and never not at all, since all of them may have been down. */
export class NodePool {
  readonly #members: Member[];
  readonly #clock: () => number;
  readonly #onLie: NodePoolOptions['onLie'];
  readonly #times: PoolTimes;

  constructor({ nodes, clock, onLie, times }: NodePoolOptions) {
    this.#members = nodes.map((node) => ({ node, asideUntilMs: 0, silences: 0 }));
    this.#clock = clock;
    this.#onLie = onLie;
    this.#times = { ...usualTimes, ...times };
  }

  /** One after the other until one's answer holds. `hub-unreachable` where none does, with what was wrong with the last. */
  async ask<T>(work: Work<T>): Promise<Result<T, NoNode | Stopped>> {
    const found = await this.find<{ answer: T }>(async (node) => {
      const answer = await work(node);
      return answer.ok ? ok({ answer: answer.value }) : answer;
    });
    if (!found.ok) return found;
    return found.value === null ? fail('hub-unreachable', 'ledger nodes') : ok(found.value.answer);
  }

  /** One after the other until one has it. null: those who answered have not, which is only their word. */
  async find<T>(work: Work<T | null>): Promise<Result<T | null, NoNode | Stopped>> {
    let last = 'none';
    let hasAnswered = false;
    for (const member of this.#order()) {
      const answer = await work(member.node);
      if (answer.ok) {
        member.silences = 0;
        member.asideUntilMs = 0;
        hasAnswered = true;
        if (answer.value !== null) return answer;
        continue;
      }
      const { failure } = answer;
      if (isStopped(failure)) return { ok: false, failure };
      this.#setAside(member, failure);
      last = `${failure.code}${failure.detail === undefined ? '' : `: ${failure.detail}`}`;
    }
    return hasAnswered ? ok(null) : fail('hub-unreachable', `ledger nodes, ${last}`);
  }

  /** Up to so many at once, each for itself; those that answered. */
  async tell<T>(most: number, work: Work<T>): Promise<T[]> {
    const answers = await Promise.all(
      this.#order()
        .slice(0, most)
        .map(async (member) => {
          const answer = await work(member.node);
          if (!answer.ok && !isStopped(answer.failure)) this.#setAside(member, answer.failure);
          return answer;
        }),
    );
    return answers.filter((answer) => answer.ok).map(({ value }) => value);
  }

  /** The next is asked first from now on: so a node that stands still holds nobody up. */
  rotate(): void {
    const first = this.#members.shift();
    if (first !== undefined) this.#members.push(first);
  }

  #order(): Member[] {
    const now = this.#clock();
    const usable = this.#members.filter(({ asideUntilMs }) => asideUntilMs <= now);
    const aside = this.#members.filter(({ asideUntilMs }) => asideUntilMs > now);
    return [...usable, ...aside.sort((a, b) => a.asideUntilMs - b.asideUntilMs)];
  }

  #setAside(member: Member, fault: NodeFault): void {
    const { silentMs, mostSilentMs, lieMs, behindMs } = this.#times;
    const forMs = (): number => {
      switch (fault.code) {
        case 'silent':
          return Math.min(silentMs * 2 ** member.silences++, mostSilentMs);
        case 'garbled':
        case 'lies':
          return lieMs;
        case 'behind':
          return behindMs;
        case 'refused':
          return 0;
      }
    };
    if (fault.code === 'lies' || fault.code === 'garbled') this.#onLie(member.node.url, fault.detail ?? fault.code);
    member.asideUntilMs = Math.max(member.asideUntilMs, this.#clock() + forMs());
  }
}
