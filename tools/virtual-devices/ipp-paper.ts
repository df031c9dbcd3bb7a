import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeIpp, encodeIpp, ippOperations, type IppAnswer, type IppAttribute } from '../../src/drivers/printer/ipp.ts';

/** `printer-state-reasons` of the printer; `silent`: it takes a document and prints nothing, and says nothing. */
export type IppTrouble = 'none' | 'media-low-warning' | 'media-empty-error' | 'cover-open-error' | 'media-jam-error' | 'silent';

interface Job {
  id: number;
  document: Buffer;
  /** RFC 8011 §5.3.7: 3 pending, 5 processing, 6 stopped, 7 canceled, 9 completed. */
  state: 3 | 5 | 6 | 7 | 9;
}

interface Outcome {
  status: number;
  groups: { of: 'job' | 'printer'; attributes: IppAttribute[] }[];
}

const ok = 0;
const notFound = 0x0406;

/** A printer that speaks IPP on loopback and prints on nothing: it keeps the documents that it would have printed. */
export class IppPaper {
  #trouble: IppTrouble = 'none';
  readonly #jobs: Job[] = [];
  readonly #server = createServer((request, response) => {
    void this.#answer(request, response).catch(() => response.destroy());
  });

  /** Of whole jobs, as they came. */
  readonly printed: Buffer[] = [];

  static async start(): Promise<IppPaper> {
    const paper = new IppPaper();
    paper.#server.listen(0, '127.0.0.1');
    await once(paper.#server, 'listening');
    return paper;
  }

  get uri(): string {
    return `ipp://127.0.0.1:${(this.#server.address() as AddressInfo).port}/ipp/print`;
  }

  /** Jobs that are neither printed nor cancelled. */
  get waiting(): number {
    return this.#jobs.filter(({ state }) => state < 7).length;
  }

  set trouble(trouble: IppTrouble) {
    this.#trouble = trouble;
    this.#work();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const asked = decodeIpp(new Uint8Array(Buffer.concat(pieces)));
    if (asked === null) {
      response.writeHead(400).end();
      return;
    }
    const { status, groups } = this.#carryOut(asked);
    const operation: IppAttribute[] = [
      { name: 'attributes-charset', tag: 'charset', values: ['utf-8'] },
      { name: 'attributes-natural-language', tag: 'naturalLanguage', values: ['en'] },
    ];
    response.writeHead(200, { 'content-type': 'application/ipp' });
    response.end(encodeIpp({ code: status, requestId: asked.requestId, operation, groups }));
  }

  #carryOut(asked: IppAnswer): Outcome {
    const its = asked.groups[0]?.attributes;
    const job = this.#jobs.find(({ id }) => id === its?.get('job-id')?.[0]);
    const found = (one: Job): Outcome => ({ status: ok, groups: [{ of: 'job', attributes: this.#jobAttributes(one) }] });
    switch (asked.code) {
      case ippOperations.getPrinterAttributes:
        return { status: ok, groups: [{ of: 'printer', attributes: this.#attributes() }] };
      case ippOperations.validateJob:
        return { status: ok, groups: [] };
      case ippOperations.createJob:
        return found(this.#take(Buffer.alloc(0)));
      case ippOperations.printJob: {
        const taken = this.#take(Buffer.from(asked.rest), 5);
        this.#work();
        return found(taken);
      }
      case ippOperations.getJobs:
        return { status: ok, groups: this.#jobs.filter(({ state }) => state < 7).map((one) => ({ of: 'job' as const, attributes: this.#jobAttributes(one) })) };
    }
    if (job === undefined) return { status: notFound, groups: [] };
    if (asked.code === ippOperations.sendDocument) {
      job.document = Buffer.from(asked.rest);
      job.state = 5;
      this.#work();
    } else if (asked.code === ippOperations.cancelJob && job.state < 7) {
      job.state = 7;
    }
    return found(job);
  }

  #take(document: Buffer, state: Job['state'] = 3): Job {
    const job: Job = { id: this.#jobs.length + 1, document, state };
    this.#jobs.push(job);
    return job;
  }

  #work(): void {
    const isWell = this.#trouble === 'none' || this.#trouble === 'media-low-warning';
    for (const job of this.#jobs.filter(({ state }) => state === 5 || state === 6)) {
      job.state = isWell ? 9 : this.#trouble === 'silent' ? 5 : 6;
      if (isWell) this.printed.push(job.document);
    }
  }

  #attributes(): IppAttribute[] {
    const reason = this.#trouble === 'silent' ? 'none' : this.#trouble;
    const isStopped = reason.endsWith('-error');
    return [
      { name: 'printer-uri-supported', tag: 'uri', values: [this.uri] },
      { name: 'uri-security-supported', tag: 'keyword', values: ['none'] },
      { name: 'uri-authentication-supported', tag: 'keyword', values: ['none'] },
      { name: 'printer-name', tag: 'name', values: ['virtual'] },
      { name: 'printer-make-and-model', tag: 'text', values: ['Virtual IPP printer'] },
      { name: 'printer-state', tag: 'enum', values: [isStopped ? 5 : this.waiting > 0 ? 4 : 3] },
      { name: 'printer-state-reasons', tag: 'keyword', values: [reason] },
      { name: 'printer-is-accepting-jobs', tag: 'boolean', values: [true] },
      { name: 'ipp-versions-supported', tag: 'keyword', values: ['1.1', '2.0'] },
      { name: 'operations-supported', tag: 'enum', values: Object.values(ippOperations).filter((operation) => operation < 0x4000) },
      { name: 'charset-configured', tag: 'charset', values: ['utf-8'] },
      { name: 'charset-supported', tag: 'charset', values: ['utf-8'] },
      { name: 'natural-language-configured', tag: 'naturalLanguage', values: ['en'] },
      { name: 'document-format-default', tag: 'mimeMediaType', values: ['application/pdf'] },
      { name: 'document-format-supported', tag: 'mimeMediaType', values: ['application/pdf'] },
      { name: 'media-supported', tag: 'keyword', values: ['iso_a4_210x297mm'] },
      { name: 'multiple-document-jobs-supported', tag: 'boolean', values: [false] },
      { name: 'queued-job-count', tag: 'integer', values: [this.waiting] },
    ];
  }

  #jobAttributes({ id, state }: Job): IppAttribute[] {
    return [
      { name: 'job-id', tag: 'integer', values: [id] },
      { name: 'job-uri', tag: 'uri', values: [`${this.uri}/${id}`] },
      { name: 'job-state', tag: 'enum', values: [state] },
      { name: 'job-state-reasons', tag: 'keyword', values: [state === 9 ? 'job-completed-successfully' : state === 7 ? 'job-canceled-by-user' : state === 6 ? 'printer-stopped' : 'job-printing'] },
    ];
  }
}

