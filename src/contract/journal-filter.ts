/** What a technician looks for in a kiosk's journal. */
export const journalFilters = ['all', 'failures', 'visits', 'staff', 'devices', 'hub'] as const;
export type JournalFilter = (typeof journalFilters)[number];
