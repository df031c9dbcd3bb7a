/** Renderer → main: one message as JSON. */
export const messageChannel = 'imi:message';
/** Main → renderer: one snapshot as JSON. */
export const snapshotChannel = 'imi:snapshot';
