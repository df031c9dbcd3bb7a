import { posix } from 'node:path';
import { ModuleKind, preProcessFile, ScriptTarget, transpileModule } from 'typescript';

/** The house, most particular folder first: a file belongs to the first that its path begins with. */
const parts = [
  'src/contract',
  'src/drivers',
  'src/ledger/verify',
  'src/ledger/client',
  'src/ledger',
  'src/identity',
  'src/keeper',
  'src/registrar',
  'src/gateway',
  'src/hub',
  'src/main/shells',
  'src/main',
  'src/renderer',
  'src/pages',
  'src/cli',
  'tools',
  'bench',
  'tests',
] as const;
type Part = (typeof parts)[number];

const ledger: Part[] = ['src/ledger', 'src/ledger/client', 'src/ledger/verify'];
const kiosk: Part[] = ['src/drivers', 'src/identity', 'src/ledger/client', 'src/ledger/verify'];
const hub: Part[] = ['src/gateway', 'src/keeper', 'src/registrar', 'src/identity', ...ledger];

/** Whom each part may know beside itself and the contract. */
const mayImport: Record<Part, readonly Part[]> = {
  'src/contract': [],
  'src/drivers': [],
  'src/ledger/verify': [],
  'src/ledger/client': ledger,
  'src/ledger': ledger,
  'src/identity': ['src/ledger/verify'],
  'src/keeper': ['src/identity', ...ledger],
  'src/registrar': ['src/identity', ...ledger],
  'src/gateway': ['src/keeper', 'src/identity', ...ledger],
  'src/hub': hub,
  'src/main/shells': ['src/main', ...kiosk],
  'src/main': kiosk,
  'src/renderer': [],
  'src/pages': ['src/ledger/verify'],
  'src/cli': ['src/drivers', 'src/main', 'src/hub', 'src/pages', ...hub],
  tools: parts.filter((part) => part !== 'tests'),
  bench: parts,
  tests: parts,
};

/** Packages that only the files named here may load. `node:` stands for all of Node's own modules. */
const kept: { loads: (name: string) => boolean; what: string; allowed: (path: string) => boolean }[] = [
  {
    what: 'Electron',
    loads: (name) => name === 'electron' || name.startsWith('electron/'),
    allowed: (path) => /^src\/main\/shells\/electron(-preload)?\.ts$/.test(path),
  },
  {
    what: 'Node',
    loads: (name) => name.startsWith('node:'),
    allowed: (path) => !/^src\/(ledger\/verify|contract|renderer|pages)\//.test(path),
  },
];

/** The files of `src/` that may load a native binding: one each. */
export const bindings = ['smartcard', 'pcsclite', 'node-hid'];

const partOf = (path: string): Part | undefined => parts.find((part) => path.startsWith(`${part}/`));

const scriptsOf = (path: string, text: string): string[] => (path.endsWith('.vue') ? [...text.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map(([, script = '']) => script) : [text]);

const modulesOf = (script: string): string[] => preProcessFile(script, true, true).importedFiles.map(({ fileName }) => fileName);

/** Every module that a source names: static, dynamic, `require`, types as well. */
export const importsOf = (path: string, text: string): string[] => scriptsOf(path, text).flatMap(modulesOf);

/** Every module that a source loads when it runs: all of the above but types. */
export const loadsOf = (path: string, text: string): string[] =>
  scriptsOf(path, text).flatMap((script) => modulesOf(transpileModule(script, { compilerOptions: { module: ModuleKind.ESNext, target: ScriptTarget.ESNext, verbatimModuleSyntax: true } }).outputText));

/**
 * The ways from a part to a package, as files that load one another; each file once.
 *
 * @param read the text of a file of the repository, undefined where there is none.
 */
export function waysTo(named: string, from: readonly string[], read: (path: string) => string | undefined): string[] {
  const ways: string[] = [];
  const seen = new Set<string>();
  const walk = (path: string, way: readonly string[]): void => {
    if (seen.has(path)) return;
    seen.add(path);
    const text = read(path);
    if (text === undefined) return;
    for (const loaded of loadsOf(path, text)) {
      if (loaded === named) ways.push([...way, path].join(' → '));
      else if (loaded.startsWith('.')) walk(posix.join(posix.dirname(path), loaded), [...way, path]);
    }
  };
  for (const path of from) walk(path, []);
  return ways;
}

/** Says what is wrong with one import, or null. */
export function objection(path: string, imported: string): string | null {
  if (!imported.startsWith('.')) {
    const rule = kept.find(({ loads }) => loads(imported));
    return rule && path.startsWith('src/') && !rule.allowed(path) ? `${path} loads ${rule.what} (${imported})` : null;
  }
  const target = posix.join(posix.dirname(path), imported);
  const from = partOf(path);
  const to = partOf(target);
  if (from === undefined) return null;
  if (to === undefined) return path.startsWith('src/') && !target.startsWith('services/') ? `${path} reaches out of the house (${target})` : null;
  if (from === to || to === 'src/contract' || mayImport[from].includes(to)) return null;
  return `${path} knows ${target}: ${from} may not know ${to}`;
}
