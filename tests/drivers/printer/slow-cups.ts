import { once } from 'node:events';
import { createServer, request, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { decodeIpp, type IppAnswer } from '../../../src/drivers/printer/ipp.ts';

interface Asked {
  path: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** In front of a CUPS, one that is slow, up to when whoever asked has had enough, which it does not wait for: it hangs up at once. What is held reaches CUPS all the same when it is let go. */
export class SlowCups {
  readonly socket: string;
  readonly #behind: string;
  readonly #held: Asked[] = [];
  readonly #server = createServer((asked, response) => {
    void this.#serve(asked, response).catch(() => response.destroy());
  });

  /** Requests that do not reach CUPS yet. */
  holds: (asked: IppAnswer) => boolean = () => false;
  /** Requests whose answer nobody hears. */
  loses: (asked: IppAnswer) => boolean = () => false;

  private constructor(behind: string) {
    this.#behind = behind;
    this.socket = `${behind}.slow`;
  }

  static async start(behind: string): Promise<SlowCups> {
    const slow = new SlowCups(behind);
    slow.#server.listen(slow.socket);
    await once(slow.#server, 'listening');
    return slow;
  }

  /** Resolves with the statuses of IPP with which CUPS answered what was held. */
  async letGo(): Promise<(number | undefined)[]> {
    this.holds = () => false;
    const statuses: (number | undefined)[] = [];
    for (const asked of this.#held.splice(0)) statuses.push(decodeIpp((await this.#ask(asked)).body)?.code);
    return statuses;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked: Asked = { path: incoming.url ?? '/', headers: incoming.headers, body: await bodyOf(incoming) };
    const read = decodeIpp(asked.body);
    if (read !== null && this.holds(read)) {
      this.#held.push(asked);
      response.destroy();
      return;
    }
    const isLost = read !== null && this.loses(read);
    const { status, body } = await this.#ask(asked);
    if (isLost) response.destroy();
    else response.writeHead(status, { 'content-type': 'application/ipp' }).end(body);
  }

  async #ask({ path, headers, body }: Asked): Promise<{ status: number; body: Buffer }> {
    const sent = request({ socketPath: this.#behind, path, method: 'POST', headers, agent: false });
    sent.end(body);
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: answer.statusCode ?? 0, body: await bodyOf(answer) };
  }
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of message) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
