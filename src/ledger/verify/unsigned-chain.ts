/**
 * Chains whose names begin so were filled without signatures, to measure how a ledger of a whole district behaves. The name stands in every
 * header, vote and transaction: nothing of such a chain can pass for another's, and whoever verifies, founds or runs a chain refuses it.
 */
export const isUnsignedChain = (chain: string): boolean => chain.startsWith('unsigned-');
