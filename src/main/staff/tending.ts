import type { StaffRole } from '../../ledger/verify/acts.ts';

/** Who looks after a kiosk: opens and closes it, and sees how it is and what it did today. */
export const tendsKiosks = (role: StaffRole): boolean => role === 'staff' || role === 'technician';
