const timeZone = 'Asia/Shanghai';
/** The district's legal time, the whole year. */
export const districtOffsetMs = 8 * 3600_000;

/** The day that it is in the district, YYYY-MM-DD. */
export function districtDay(nowMs: number): string {
  // Canadian English writes dates as ISO 8601 does.
  return new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(nowMs);
}

/** 0 to 23. */
export const districtHour = (nowMs: number): number => new Date(nowMs + districtOffsetMs).getUTCHours();
