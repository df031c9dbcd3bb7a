/** How many random inputs each codec is given: 10 000, or as many as the environment says (a million of a night: `CODEC_INPUTS=1000000`). */
export const codecInputs = Number(process.env['CODEC_INPUTS'] ?? 10_000);
