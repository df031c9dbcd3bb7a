/** Why a card is blocked; the ledger says it. Apart from the bridge's schemas, which the screen does not load. */
export const blockReasons = ['lost', 'stolen', 'damaged', 'other'] as const;
export type BlockReason = (typeof blockReasons)[number];
