/** Three metres, at eight dots a millimetre: the receipts of ten matters on one slip. More is none. */
export const highestSlipDots = 24_000;

/** Of which one slip is made at most: as many messages in a row as the bridge takes from a pair of hands, and some. */
export const mostStrips = 24;

export const highestStripDots = 6_000;

/** Of a strip's dots, deflated and in base64: with what stands round it it is a message of the bridge. */
export const mostPackedChars = 48_000;
