import { fromBase64url } from '../ledger/verify/bytes.ts';

/** Where a gateway hands out what agencies ask, by the ask's id. */
export const requestPath = '/v1/openid4vp/requests';

/**
 * The id of the ask that a scanned code leads to: `openid4vp://?client_id=…&request_uri=…`, or the request's own address. null for any other text. Nothing is
 * fetched from that address: the kiosk's own hub is asked for the id.
 */
export function askInLink(text: string): Uint8Array | null {
  const link = urlOf(text);
  const request = link?.protocol === 'openid4vp:' ? urlOf(link.searchParams.get('request_uri') ?? '') : link;
  if (request === null || !/^https?:$/.test(request.protocol)) return null;
  const [, name = ''] = request.pathname.split(`${requestPath}/`);
  const id = fromBase64url(name);
  return id?.length === 16 ? id : null;
}

function urlOf(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}
