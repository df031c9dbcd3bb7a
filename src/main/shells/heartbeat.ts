/** How often the page says that it is alive, and how often main looks. Apart, so that a preload needs no schema library. */
export const heartbeatIntervalMs = 500;
