import { z } from 'zod';
import type { GatewayParts } from './gateway.ts';
import { openApiOf } from './openapi.ts';
import { answered, route, type Route } from './route.ts';
import { askRoutes } from './routes/asks.ts';
import { changeRoutes } from './routes/changes.ts';
import { credentialRoutes } from './routes/credentials.ts';
import { homeRoutes } from './routes/home.ts';
import { caseRoutes } from './routes/cases.ts';
import { draftRoutes } from './routes/drafts.ts';
import { ledgerRoutes } from './routes/ledger.ts';
import { lookUpRoutes } from './routes/look-ups.ts';
import { queueRoutes } from './routes/queue.ts';
import { replacementRoutes } from './routes/replacements.ts';
import { requestRoutes } from './routes/requests.ts';
import { serviceRoutes } from './routes/services.ts';
import { statusListRoutes } from './routes/status-lists.ts';

/** The whole table: a group of routes is mounted here, in one line. */
export function gatewayRoutes(parts: GatewayParts, url: string): Route[] {
  const routes = [
    ...requestRoutes(parts),
    ...credentialRoutes(parts),
    ...serviceRoutes(parts),
    ...changeRoutes(parts),
    ...askRoutes(parts, url),
    ...statusListRoutes(parts),
    ...homeRoutes(parts),
    ...draftRoutes(parts),
    ...caseRoutes(parts),
    ...lookUpRoutes(parts),
    ...replacementRoutes(parts),
    ...queueRoutes(parts),
    ...ledgerRoutes(parts, url),
  ];
  const description = route({
    method: 'GET',
    path: '/openapi.json',
    auth: 'none',
    summary: 'This description',
    answers: { 200: { description: 'OpenAPI 3.1', schema: z.looseObject({ openapi: z.string() }) } },
    handle: async () => answered(200, openApi),
  });
  routes.push(description);
  const openApi = { openapi: '3.1.1', ...openApiOf(routes, url) };
  return routes;
}
