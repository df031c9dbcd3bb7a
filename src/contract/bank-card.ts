/** ISO/IEC 7810 ID-1, as bank cards are: millimetres. */
export const bankCardMm = { width: 85.6, height: 53.98 } as const;
