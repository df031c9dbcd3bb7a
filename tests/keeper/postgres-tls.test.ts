import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPostgresDatabase } from '../../src/keeper/postgres-database.ts';
import { openSharedStore } from '../../src/keeper/postgres-store.ts';
import { demoServerPath } from '../../tools/demo/world.ts';
import { must } from '../hub/visitor.ts';
import { noPostgres, PostgresServer } from './postgres-server.ts';

const resident = new Uint8Array(16).fill(7);
const message = { enc: new Uint8Array(32).fill(1), ciphertext: new Uint8Array(48).fill(2) };

const freePort = async (): Promise<number> => {
  const listening = createServer().listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const address = listening.address();
  listening.close();
  await once(listening, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
};

/**
 * Debian's server with a certificate, for a keeper on another machine. What is not 127.0.0.1, ::1 or `localhost` is another machine to a hub: so 127.0.0.2 is one here.
 */
describe.skipIf(noPostgres !== null)(`a keeper’s server on another machine${noPostgres === null ? '' : ` (${noPostgres})`}`, () => {
  let folder: string;
  let server: PostgresServer;
  let port: number;
  const file = (name: string): string => join(folder, name);

  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  /** An authority of somebody's own, and what it signs. */
  const makeAuthority = (name: string): void => openssl('req', '-x509', ...key, '-keyout', `${name}.key`, '-out', `${name}.pem`, '-days', '2', '-subj', `/CN=${name}`);
  const sign = (authority: string, name: string, subject: string, extension: string, days = 2): void => {
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject);
    writeFileSync(file(`${name}.ext`), extension);
    openssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${authority}.pem`, '-CAkey', `${authority}.key`, '-CAcreateserial', '-out', `${name}.pem`, '-days', String(days), '-extfile', `${name}.ext`);
  };
  /** The server's own, as it wants its files. */
  const give = (name: string): string => {
    const { uid, gid } = statSync(server.folder);
    chownSync(file(name), uid, gid);
    chmodSync(file(name), 0o600);
    return file(name);
  };

  const url = (parameters: Record<string, string> = {}, host = '127.0.0.2'): string => {
    const query = new URLSearchParams({ sslmode: 'verify-full', sslrootcert: file('district.pem'), ...parameters });
    return `postgres://imi@${host}:${port}/district?${query.toString()}`;
  };
  const why = async (address: string): Promise<string> => {
    const opened = await openSharedStore(address);
    if (!opened.ok) return `${opened.failure.code} ${opened.failure.detail ?? ''}`;
    await opened.value.close();
    return 'opened';
  };

  /** @param rules of pg_hba.conf. */
  const serve = async (certificate: string, rules: string): Promise<void> => {
    await server.stopServing();
    writeFileSync(file('hba.conf'), rules);
    await server.resume({ listen_addresses: '127.0.0.1,127.0.0.2', port: String(port), ssl: 'on', ssl_cert_file: give(`${certificate}.pem`), ssl_key_file: give(`${certificate}.key`), ssl_ca_file: give('staff.pem'), hba_file: give('hba.conf') });
  };
  const overTlsOnly = 'hostnossl all all all reject\nhostssl all imi all trust\n';

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'imi-pg-tls-'));
    chmodSync(folder, 0o755);
    server = await PostgresServer.start();
    server.create('district');
    server.sql("ALTER ROLE imi PASSWORD 'open-sesame'");
    port = await freePort();
    for (const name of ['district', 'another', 'staff']) makeAuthority(name);
    sign('district', 'database', '/CN=db.district', 'subjectAltName=IP:127.0.0.2,DNS:localhost');
    sign('district', 'elsewhere', '/CN=127.0.0.2', 'subjectAltName=DNS:other.example');
    sign('district', 'run-out', '/CN=db.district', 'subjectAltName=IP:127.0.0.2', -1);
    sign('staff', 'keeper', '/CN=imi', 'extendedKeyUsage=clientAuth');
    await serve('database', overTlsOnly);
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is reached over TLS, under its name and by the district’s authority; what is kept there is there', async () => {
    const store = must(await openSharedStore(url()));
    must(await store.foundSpace({ resident, wrapped: message, recovery: message }));
    expect(must(await store.space(resident))?.wrapped).toEqual(message);
    const [way] = must(await store.database.read((sql) => sql.all('SELECT CASE WHEN ssl THEN 1 ELSE 0 END AS ssl, version FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()')));
    expect(way).toEqual({ ssl: 1, version: 'TLSv1.3' });
    await store.close();
  });

  it('is reached under a name of this machine as well, where TLS is asked for', async () => {
    expect(await why(url({}, 'localhost'))).toBe('opened');
  });

  it.each<{ name: string; address: () => string; said: string }>([
    { name: 'in the clear', address: () => `postgres://imi@127.0.0.2:${port}/district`, said: 'hub-storage postgres-tls-required' },
    { name: 'with TLS that checks nothing', address: () => url({ sslmode: 'no-verify' }), said: 'hub-storage postgres-tls-required' },
    { name: 'with TLS that does not check the name', address: () => url({ sslmode: 'verify-ca' }), said: 'hub-storage postgres-tls-required' },
    { name: 'with TLS that is taken back', address: () => `${url()}&sslmode=disable`, said: 'hub-storage postgres-tls-required' },
    { name: 'by an authority that did not sign it', address: () => url({ sslrootcert: file('another.pem') }), said: 'hub-storage postgres-tls-authority' },
    { name: 'by the authorities of the system', address: () => url({ sslrootcert: '' }), said: 'hub-storage postgres-tls-authority' },
    { name: 'by a file that is not there', address: () => url({ sslrootcert: file('nothing.pem') }), said: 'hub-storage postgres-tls-file-ENOENT' },
  ])('is not used $name', async ({ address, said }) => {
    expect(await why(address())).toBe(said);
  });

  it('lets nobody in in the clear, also on its own machine', async () => {
    // 28000: no line of pg_hba.conf lets them.
    expect(await why(`postgres://imi@127.0.0.1:${port}/district`)).toBe('hub-storage postgres-28000');
  });

  it('knows the keeper by a certificate, where it wants one, and nobody without', async () => {
    await serve('database', 'hostssl all imi all cert\n');
    expect(await why(url({ sslcert: file('keeper.pem'), sslkey: file('keeper.key') }))).toBe('opened');
    expect(await why(url())).toBe('hub-storage postgres-28000');
    await serve('database', overTlsOnly);
  });

  it('knows the keeper by the password of ~/.pgpass, where it wants one', async () => {
    await serve('database', 'hostssl all imi all scram-sha-256\n');
    const before = process.env['PGPASSFILE'];
    process.env['PGPASSFILE'] = file('pgpass');
    const withPassword = (password: string): Promise<string> => {
      writeFileSync(file('pgpass'), `127.0.0.2:${port}:district:imi:${password}\n`, { mode: 0o600 });
      return why(url());
    };
    expect(await withPassword('open-sesame')).toBe('opened');
    expect(await withPassword('another')).toBe('hub-storage postgres-28P01');
    if (before === undefined) delete process.env['PGPASSFILE'];
    else process.env['PGPASSFILE'] = before;
    await serve('database', overTlsOnly);
  });

  it('is refused in the clear by the hub’s file already, in words', () => {
    const path = file('hub.server.json');
    writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(demoServerPath, 'utf8')), keeper: `postgres://imi@127.0.0.2:${port}/district` }));
    const { status, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, '../../src/cli/imi.ts'), 'keeper', 'check', '--server', path, '--data', folder], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 2, stderr: `${path}: keeper.url a PostgreSQL server that is not on this machine is reached with sslmode=verify-full\n` });
  });

  it('is back after it was gone, and what came before is there', async () => {
    const database = must(await openPostgresDatabase(url()));
    await server.stopServing();
    expect(await database.read((sql) => sql.get('SELECT 1 AS one'))).toMatchObject({ ok: false, failure: { code: 'hub-storage' } });
    await serve('database', overTlsOnly);
    expect(must(await database.read((sql) => sql.get('SELECT count(*) AS n FROM space')))).toEqual({ n: 1 });
    await database.close();
  });

  it('is not taken for another with a certificate of the same authority, whatever its common name says', async () => {
    await serve('elsewhere', overTlsOnly);
    expect(await why(url())).toBe('hub-storage postgres-tls-name');
    expect(await why(url({}, 'localhost'))).toBe('hub-storage postgres-tls-name');
  });

  it('is not used with a certificate that has run out', async () => {
    await serve('run-out', overTlsOnly);
    expect(await why(url())).toBe('hub-storage postgres-tls-expired');
  });

  it('is not used where it speaks no TLS', async () => {
    await server.stopServing();
    await server.resume({ listen_addresses: '127.0.0.2', port: String(port) });
    expect(await why(url())).toBe('hub-storage postgres-tls-none');
  });
});
