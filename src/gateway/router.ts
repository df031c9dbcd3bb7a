import type { Method, Route } from './route.ts';

export type Match = { route: Route; params: Record<string, string> } | { allow: Method[] } | null;

/** The route of a method and a path as it was sent; `allow`: the path takes other methods only; null: there is no such path. HEAD is GET without its body. */
export function matchRoute(routes: readonly Route[], method: string, path: string): Match {
  const wanted = method === 'HEAD' ? 'GET' : method;
  const allow: Method[] = [];
  for (const route of routes) {
    const params = paramsOf(route.spec.path, path);
    if (params === null) continue;
    if (route.spec.method === wanted) return { route, params };
    allow.push(route.spec.method);
  }
  return allow.length === 0 ? null : { allow };
}

function paramsOf(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split('/');
  const segments = path.split('/');
  const params: Record<string, string> = {};
  for (const [at, piece] of wanted.entries()) {
    const name = /^\{\+?([a-z_]+)\}$/.exec(piece)?.[1];
    const rest = piece.startsWith('{+');
    const given = rest ? segments.slice(at).join('/') : segments[at];
    if (given === undefined || (name === undefined && given !== piece)) return null;
    if (name === undefined) continue;
    const decoded = percentDecoded(given);
    if (decoded === null || decoded === '') return null;
    params[name] = decoded;
    if (rest) return params;
  }
  return segments.length === wanted.length ? params : null;
}

function percentDecoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** null: not form-encoded, or a name twice. */
export function readForm(text: string): Record<string, string> | null {
  const form: Record<string, string> = Object.create(null) as Record<string, string>;
  if (text === '') return { ...form };
  for (const pair of text.split('&')) {
    const [name = '', value = ''] = pair.split(/=(.*)/s).map((half) => percentDecoded(half.replaceAll('+', ' ')));
    if (name === null || value === null || name === '' || name in form) return null;
    form[name] = value;
  }
  return { ...form };
}
