import type { TrustRoot } from '../../contract/hub-file.ts';
import type { Localized } from '../../contract/language.ts';

/** What one hub puts into its page. The trust root decides; the names only help to read, and the page shows what is proven beside them. */
export interface PageHub {
  name: Localized;
  trustRoot: TrustRoot;
  /** Names of parties by their ledger ids. */
  parties: Record<string, Localized>;
  /** Titles of services by their ids. */
  services: Record<string, Localized>;
}

/** As built: a page that trusts nobody yet. A data block, which the page's policy need not allow. */
const emptyBlock = '<script type="application/json" id="hub">null</script>';

/** undefined: not the page as it was built. */
export function fillReceiptPage(built: string, hub: PageHub): string | undefined {
  const [before, after, ...more] = built.split(emptyBlock);
  if (before === undefined || after === undefined || more.length > 0) return undefined;
  const json = JSON.stringify(hub).replaceAll('<', '\\u003c');
  return `${before}${emptyBlock.replace('null', () => json)}${after}`;
}
