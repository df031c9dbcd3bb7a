/** The origin that both shells serve the renderer under; no server stands behind it. Apart from `bridge.ts`, since a shell needs it before it has time to load a schema library. */
export const kioskOrigin = 'https://imi.internal';
