/** UTC, to the minute. @param seconds Unix. */
export const timeText = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ');
