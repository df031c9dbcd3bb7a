import { z } from 'zod';
import { languageSchema, localizedSchema } from './language.ts';
import { noteKeySchema } from './witness-file.ts';

const base64url = z.string().regex(/^[A-Za-z0-9_-]+$/);
/** In signed notes a name has neither a space nor a plus. */
const noteName = z.string().max(200).regex(/^[^\s+]+$/);
/** Not one that was filled without signatures, to be measured (ledger/verify/unsigned-chain.ts). */
const chainId = z.string().regex(/^(?!unsigned-)[a-z0-9-]{1,20}$/);

/** What the kiosk believes from the start: the chain and who signs it. Public keys as base64url of 32 bytes. */
export const trustRootSchema = z.strictObject({
  chain: chainId,
  /** Height that the validator set below signs at first; 1 for a whole chain. */
  height: z.int().min(1),
  validators: z
    .array(z.strictObject({ alg: z.literal(-19), key: base64url, power: z.int().min(1) }))
    .min(1)
    .refine((set) => new Set(set.map(({ key }) => key)).size === set.length, 'a validator twice'),
  trustingPeriodMs: z.int().min(1).default(30 * 24 * 3600_000),
  /** Who signs after those above: what each set signed when it handed the ledger on (verify/handover.ts), as base64url, the oldest first. */
  handovers: z.array(base64url).max(16).optional(),
  /** Who outside is believed to have seen the ledger, and how many of them make a receipt a witnessed one. Left out: nobody. */
  witnessing: z
    .strictObject({
      /** First line of the ledger's checkpoints. */
      origin: noteName,
      threshold: z.int().min(1).default(1),
      witnesses: z.array(z.strictObject({ name: noteName, key: base64url })).min(1).max(16),
    })
    .refine(({ witnesses }) => new Set(witnesses.map(({ key }) => key)).size === witnesses.length, 'a witness twice')
    .refine(({ witnesses, threshold }) => threshold <= witnesses.length, 'fewer witnesses than it takes')
    .optional(),
});
export type TrustRoot = z.infer<typeof trustRootSchema>;

/** As `lsusb` prints it. */
const usbId = z.string().regex(/^[0-9a-f]{4}$/, 'four hexadecimal digits in small letters, as lsusb prints them');
const absolutePath = z.string().regex(/^\/./, 'a path from the root');

/** A device on HID. Of several that fit the first is taken. */
const hidDevice = {
  vendor: usbId,
  product: usbId,
  /** Tells apart the collections of one device; numbers of the HID usage tables. Left out: any. */
  usagePage: z.int().min(0).max(0xffff).optional(),
  usage: z.int().min(0).max(0xffff).optional(),
  /** Left out: any. */
  serial: z.string().min(1).optional(),
};

export const scannerSchema = z.strictObject(hidDevice);
export type ScannerFile = z.infer<typeof scannerSchema>;

/** The reader of resident identity cards (SAM-V). */
export const identityReaderSchema = z.discriminatedUnion('connection', [
  z.strictObject({
    connection: z.literal('hid'),
    ...hidDevice,
    /** What a report of 64 bytes begins with: how many bytes of it count, or at once with those bytes. */
    reports: z.enum(['counted', 'plain']).default('counted'),
  }),
  /** 115 200 bit/s, 8N1, as every SAM-V speaks. */
  z.strictObject({ connection: z.literal('serial'), path: absolutePath }),
]);
export type IdentityReaderFile = z.infer<typeof identityReaderSchema>;

/** Dots of a slip's line, 8 a millimetre. */
const slipDots = z.int().min(256).max(832).multipleOf(8).default(576);

/** ESC/POS on thermal paper at 8 dots a millimetre. */
export const escposSchema = z.strictObject({
  /** `/dev/usb/lp0`. */
  path: absolutePath,
  /** 576 on paper of 80 mm, 384 on paper of 58 mm. */
  widthDots: slipDots,
});
export type EscposFile = z.infer<typeof escposSchema>;

/** Any other printer, as a queue of CUPS on this machine: a slip is a PDF there, as wide as on thermal paper. */
export const cupsSchema = z.strictObject({
  /** As `lpstat -e` names it. */
  queue: z.string().regex(/^[^\s/#?'"\\]{1,127}$/, 'a queue as CUPS names it'),
  /** CUPS's own socket. */
  server: absolutePath.default('/run/cups/cups.sock'),
  sheet: z.enum(['a4', 'a5', 'letter']).default('a4'),
  widthDots: slipDots,
});
export type CupsFile = z.infer<typeof cupsSchema>;

export const printerSchema = z.union([escposSchema, cupsSchema]);
export type PrinterFile = z.infer<typeof printerSchema>;

/** Beside the card readers; what is left out is not there. */
export const devicesSchema = z.strictObject({
  identityReader: identityReaderSchema.optional(),
  scanner: scannerSchema.optional(),
  printer: printerSchema.optional(),
});
export type DevicesFile = z.infer<typeof devicesSchema>;

export const kioskSchema = z.strictObject({
  readers: z.strictObject({
    /** Exact PC/SC name, or a prefix ending in `*`. */
    resident: z.string().min(1),
    /** Left out: the resident's reader takes both. */
    staff: z.string().min(1).optional(),
  }),
  devices: devicesSchema.default({}),
  /** Which binding drives PC/SC. */
  pcscBinding: z.enum(['smartcard', 'pcsclite']).default('smartcard'),
  screen: z.strictObject({
    widthPx: z.int().min(600),
    heightPx: z.int().min(600),
    /** Of the real panel, measured when it is provisioned. */
    pxPerMm: z.number().min(1).max(20),
  }),
  shell: z.enum(['electron', 'chromium', 'any']).default('any'),
  /** The devices are stand-ins for real ones: the kiosk says so on every screen. */
  standIns: z.boolean().default(false),
  /** Path of the kiosk's device key below its data folder. */
  deviceKey: z.string().default('device.key.json'),
});
export type KioskFile = z.infer<typeof kioskSchema>;

/** There is no third kind: what is not a socket of this machine goes over TLS, also on loopback. */
export const hubAddressSchema = z
  .string()
  .regex(/^(?:unix:.+|tls:\/\/(?:\[[0-9a-fA-F:.]+\]|[0-9A-Za-z.-]+):\d{1,5})$/, 'an address is unix:<path> or tls://<host>:<port>')
  .refine((address) => address.startsWith('unix:') || Number(address.slice(address.lastIndexOf(':') + 1)) <= 65_535, 'a port is at most 65535');

const placeForms = '{ address: "unix:<path>" } or { address: "tls://<host>:<port>", pin: "sha256:…" }';

/** Where a kiosk finds its hub, and how it knows it again. */
export const hubPlaceSchema = z
  .strictObject({
    /** A path relative to the data folder: kiosk and hub are one machine and one user. */
    address: hubAddressSchema,
    /** Over TLS, and only there: SHA-256 over the SubjectPublicKeyInfo of the hub's own key, as `imi hub pin` prints it. No other name or authority counts. */
    pin: z
      .string()
      .regex(/^sha256:[A-Za-z0-9_-]{43}$/, 'a pin is what `imi hub pin` prints')
      .optional(),
  })
  .refine(({ address, pin }) => address.startsWith('tls:') === (pin !== undefined), placeForms);
export type HubPlace = z.infer<typeof hubPlaceSchema>;

/** hubs/<hub>.json: public, read by kiosks. */
export const hubFileSchema = z.strictObject({
  $schema: z.string().optional(),
  id: z.string().regex(/^[a-z0-9-]{3,40}$/),
  name: localizedSchema,
  languages: z.array(languageSchema).min(1),
  hub: hubPlaceSchema,
  trustRoot: trustRootSchema,
  /** No sign-in on an older head. */
  maxHeadAgeMs: z.int().min(1000).default(15 * 60_000),
  /** Before the first touch of a visit, and after warning, how long nothing may happen. */
  idleLimitMs: z.int().default(60_000),
  idleGraceMs: z.int().min(20_000).default(30_000),
  /** How long a staff card's session lasts: until it locks, and in all, of which the last `warnMs` are announced. */
  staff: z
    .strictObject({
      idleLockMs: z.int().min(10_000).default(120_000),
      limitMs: z.int().min(60_000).default(2 * 3600_000),
      warnMs: z.int().min(60_000).default(5 * 60_000),
    })
    .prefault({})
    .refine(({ limitMs, warnMs }) => warnMs < limitMs, 'announced before it begins'),
  /** Where to find a person. */
  help: localizedSchema,
  kiosks: z.record(z.string().regex(/^[a-z0-9-]{3,40}$/), kioskSchema),
});
export type HubFile = z.infer<typeof hubFileSchema>;

/** In the clear only where nobody else listens. */
const isLoopback = (url: string): boolean => ['127.0.0.1', '[::1]', 'localhost'].includes(new URL(url).hostname);

const nodeAddressSchema = z
  .url({ protocol: /^https?$/, abort: true })
  .refine((url) => url.startsWith('https:') || isLoopback(url), 'a node that is not on this machine is reached over https');

/** Where the data spaces lie, and the file of the keeper's key. */
export type KeeperPlace = { key: string; path: string } | { key: string; url: string };

/** What may stand behind the `?`: a parameter of another name would win over what the keeper asks of the server. */
const postgresParameters = ['host', 'port', 'user', 'password', 'application_name', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey'];

/**
 * An address of a PostgreSQL server that all readers read alike: without blanks and stray percent signs, for which `pg` writes it anew before it reads it, and with nothing
 * but plain letters in a parameter's name. null: it is none.
 */
function postgresAddress(url: string): URL | null {
  if (/[\s\p{Cc}]|%(?![0-9A-Fa-f]{2})/u.test(url)) return null;
  try {
    const address = new URL(url);
    const names = address.search.slice(1).split('&').map((parameter) => parameter.split('=', 1)[0] ?? '');
    const isPlain = address.search === '' || names.every((name) => /^[a-z_]+$/.test(name));
    return isPlain && address.hash === '' && ['postgres:', 'postgresql:'].includes(address.protocol) ? address : null;
  } catch {
    return null;
  }
}

/** Where a PostgreSQL server is said to be: a host, or the folder of its socket. Empty: nowhere is said. */
const hostOf = ({ hostname, searchParams }: URL): string => searchParams.get('host') ?? decodeURIComponent(hostname);

/** Of what stands twice each reader takes another one. */
const parametersTwice = ({ searchParams }: URL): string[] => [...searchParams.keys()].filter((name, at, names) => names.indexOf(name) !== at);

const otherParameters = ({ searchParams }: URL): string[] => [...searchParams.keys()].filter((name) => !postgresParameters.includes(name));

/** A socket, or an address of this machine. */
export const isThisMachine = (host: string): boolean => /^(?:\/.*|127\.0\.0\.1|\[?::1\]?|localhost)$/.test(host);

const staysPrivate = (address: URL): boolean => isThisMachine(hostOf(address)) || address.searchParams.get('sslmode') === 'verify-full';

/** Nobody between here and a PostgreSQL server can listen, or pretend to be it: a socket or an address of this machine, or TLS with the server's name and authority checked. */
export function isPrivateWay(url: string): boolean {
  const address = postgresAddress(url);
  if (address === null || parametersTwice(address).length > 0 || otherParameters(address).length > 0) return false;
  return staysPrivate(address);
}

/** As libpq reads it: `postgres://imi@db.example/imi?sslmode=verify-full`, or over a socket `postgres:///imi?host=/run/postgresql&user=imi`. A password is better in `~/.pgpass` than here. */
const postgresUrlSchema = z
  .string()
  .refine((url) => /^postgres(?:ql)?:/.test(url), { error: 'a shared keeper is postgres://<user>@<host>/<database>, or postgres:///<database>?host=<folder of the socket>&user=<user>', abort: true })
  .refine((url) => postgresAddress(url) !== null, { error: 'a shared keeper’s address has no blanks, each % in it begins two hexadecimal digits, and what stands before a = is plain letters', abort: true })
  .transform((url) => ({ url, address: new URL(url) }))
  .refine(({ address }) => hostOf(address) !== '', 'a shared keeper’s address names a host, or the folder of a socket')
  .refine(({ address }) => parametersTwice(address).length === 0, 'nothing stands twice in a shared keeper’s address')
  .refine(({ address }) => otherParameters(address).length === 0, `behind the ? of a shared keeper’s address nothing stands but ${postgresParameters.join(', ')}`)
  .refine(({ address }) => staysPrivate(address), 'a PostgreSQL server that is not on this machine is reached with sslmode=verify-full')
  .refine(({ address }) => ['sslrootcert', 'sslcert', 'sslkey'].every((name) => /^(?:\/|$)/.test(address.searchParams.get(name) ?? '')), 'a file in a shared keeper’s address is named from the root: /etc/imi/db-ca.pem')
  .transform(({ url }) => url);

/** hubs/<hub>.server.json: read by `imi hub` only. Key paths are relative to the hub's data folder. */
export const hubServerFileSchema = z.strictObject({
  $schema: z.string().optional(),
  hub: z.string(),
  /** Of the hub's own party. Where it is not on this machine, whoever has it countersigns the hub's kiosks elsewhere. */
  key: z.string().default('hub.key.json'),
  ledger: z.discriminatedUnion('engine', [
    z.strictObject({
      engine: z.literal('embedded'),
      path: z.string().default('ledger.sqlite'),
      /** Record of the last head signed; on another disk a restored backup does not set it back. Left out: `<path>.signed`. */
      signed: z.string().optional(),
      genesis: z.string().default('genesis.cbor'),
      validatorKey: z.string().default('validator.key.json'),
      heartbeatMs: z.int().min(100).default(60_000),
    }),
    z.strictObject({
      engine: z.literal('cometbft'),
      /** RPC addresses of nodes of several agencies: none is believed, and one has to be honest and up. */
      nodes: z
        .array(nodeAddressSchema)
        .min(1)
        .max(16)
        .refine((nodes) => new Set(nodes).size === nodes.length, 'a node twice'),
      /** What this hub has promised to bring to the ledger. */
      queue: z.string().default('submissions.sqlite'),
    }),
  ]),
  /** In a file of this hub's (`path`), or on a PostgreSQL server that several hubs share: `"postgres://…"`, or that as `url` beside the key. */
  keeper: z.preprocess(
    (given) => (typeof given === 'string' ? { url: given } : given),
    z
      .strictObject({ path: z.string().optional(), url: postgresUrlSchema.optional(), key: z.string().default('keeper.key.json') })
      .refine(({ path, url }) => path === undefined || url === undefined, 'a keeper has a path or a url')
      .transform(({ path = 'keeper.sqlite', url, key }): KeeperPlace => (url === undefined ? { key, path } : { key, url })),
  ),
  /** What waits for the signatures of several people, in one file. */
  drafts: z.string().default('drafts.sqlite'),
  /** Matters begun at one place of the hub and gone on with at another, sealed to their residents, and their numbers in the hall's queue. Hubs that share a keeper have the matters there. */
  handOffs: z.string().default('hand-offs.sqlite'),
  registrar: z.strictObject({
    path: z.string().default('registrar.sqlite'),
    lookUps: z.string().default('look-ups.sqlite'),
    /** Registrations under way at a desk, and the admin PINs of cards, sealed. */
    registrations: z.string().default('registrations.sqlite'),
    /** People of the register's export who have not come yet, sealed. */
    expected: z.string().default('expected.sqlite'),
    key: z.string().default('registrar.key.json'),
  }),
  /** Token Status Lists: a folder of those that were published, and what the ledger says is revoked, which is made anew where it is lost. */
  status: z.strictObject({ lists: z.string().default('status-lists'), path: z.string().default('status.sqlite') }).prefault({}),
  door: z
    .strictObject({
      /** Where the hub listens; paths relative to the data folder. Left out: at the address of its public file. */
      listen: z.array(hubAddressSchema).min(1).optional(),
      /** By it kiosks know the hub over TLS. */
      key: z.string().default('door.key.json'),
    })
    .prefault({}),
  /** The agencies' door. Left out: no agency comes in here. */
  gateway: z
    .strictObject({
      /** `http://<host>:<port>` on loopback only; `https://<host>:<port>` with `tls`. Port 0: whichever is free. */
      listen: z.url({ protocol: /^https?$/, abort: true }).refine((url) => new URL(url).pathname === '/' && !url.includes('?'), 'a scheme, a host and a port'),
      /** PEM files of the certificate, with what leads to its authority, and of its key. */
      tls: z.strictObject({ certificate: z.string(), key: z.string() }).optional(),
      /** By which agencies know it, where that is not the address it listens on: `gateway.example`, with a port where it is not the usual one. */
      authorities: z.array(z.string().regex(/^[a-z0-9.-]+(?::\d{1,5})?$/)).default([]),
      /** Of the gateway's own party. */
      key: z.string().default('gateway.key.json'),
      path: z.string().default('gateway.sqlite'),
      /** Calls of one party: on average, and at once after a pause. */
      rate: z.strictObject({ perSecond: z.number().positive(), burst: z.int().min(1) }).default({ perSecond: 50, burst: 200 }),
      /** The hub's own queue system, which calls numbers to counters: what it is called, and the public half of its signing key (Ed25519). Left out: no numbers are drawn here. */
      queue: z
        .strictObject({
          name: z.string().regex(/^[a-z0-9-]{3,40}$/),
          key: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'a public key: 32 bytes as base64url'),
          /** Before the numbers, so that they are none of the queue system's own. */
          letter: z.string().regex(/^[A-Z]$/).default('K'),
          /** How far the requests stand that were made here. */
          path: z.string().default('queue.sqlite'),
        })
        .optional(),
      /** What agencies asked of residents, and what became of it. Hubs that share a keeper have it there. */
      asks: z.string().default('asks.sqlite'),
      /** Issuers outside the ledger whose credentials, in wallets of another kind, answer an ask: `iss`, types, and public keys as JWK (Ed25519, P-256). */
      issuers: z
        .array(z.strictObject({ iss: z.string().min(1).max(200), vcts: z.array(z.string().min(1).max(200)).min(1), keys: z.array(z.looseObject({ kty: z.string() })).min(1) }))
        .default([]),
      /** Origins on this machine that webhooks may go to in the clear, `http://127.0.0.1:9000`; everywhere else they go over https. */
      loopbackWebhooks: z.array(z.url({ protocol: /^http$/ }).refine((url) => isLoopback(url), 'only addresses of this machine')).default([]),
    })
    .refine(({ listen, tls }) => listen.startsWith('https:') === (tls !== undefined), 'https has a certificate, http has none')
    .refine(({ listen }) => listen.startsWith('https:') || isLoopback(listen), 'an address that others reach needs https')
    .optional(),
  /** What is shown of the ledger to those outside. Left out: nothing is, and nothing is witnessed. */
  checkpoints: z
    .strictObject({
      /** The ledger's name outside, first line of its checkpoints: it never changes. */
      origin: noteName,
      /** Not the validator's key. */
      key: z.string().default('checkpoint.key.json'),
      /** The keys with which the validators' nodes sign checkpoints (`imi node --origin`), and how many have to. Left out: this hub signs with its own. */
      signers: z
        .strictObject({ keys: z.array(noteKeySchema).min(1).max(64), threshold: z.int().min(1) })
        .refine(({ keys, threshold }) => new Set(keys).size === keys.length && threshold <= keys.length, 'a key twice, or fewer keys than have to sign')
        .optional(),
      /** File of the newest checkpoint; `<path>.witnessed` stands beside it. */
      path: z.string().default('checkpoint'),
      /** `key`: as `imi witness init` prints it. `url`: where `/add-checkpoint` is. */
      witnesses: z
        .array(z.strictObject({ key: noteKeySchema, url: z.url({ protocol: /^https?$/ }) }))
        .max(16)
        .default([]),
      /** How many of them make an entry a witnessed one. */
      threshold: z.int().min(1).default(1),
      everyMs: z.int().min(100).default(1000),
      /** Where monitors read the log over HTTP. Left out: nowhere. */
      serve: z.strictObject({ host: z.string().default('127.0.0.1'), port: z.int().min(0).max(65_535) }).optional(),
    })
    .refine(({ witnesses }) => new Set(witnesses.map(({ key }) => key)).size === witnesses.length, 'a witness twice')
    .refine(({ witnesses, threshold }) => threshold <= Math.max(1, witnesses.length), 'fewer witnesses than it takes')
    .optional(),
});
export type HubServerFile = z.infer<typeof hubServerFileSchema>;
export type EmbeddedLedgerFile = Extract<HubServerFile['ledger'], { engine: 'embedded' }>;
