import type { Slip } from '../../contract/device-host.ts';
import type { Result } from '../../contract/result.ts';
import { highestSlipDots } from '../../contract/slip-limits.ts';

/** A printer of slips, of whichever kind. It says how it is by itself, and nothing is called printed before the printer has said so. */
export interface Printer {
  /**
   * `message-invalid` for what is no slip of this paper; what keeps the printer from printing, by its code; `printer-unconfirmed` where it did not say that it printed. What was not printed
   * is forgotten: the next visitor must not find it.
   */
  print(slip: Slip): Promise<Result<null>>;
  stop(): Promise<void>;
}

/** Whether it is as many dots as it says, and has room on paper of this width. */
export const slipFits = ({ widthDots, heightDots, dots }: Slip, paperDots: number): boolean =>
  widthDots % 8 === 0 && widthDots > 0 && widthDots <= paperDots && heightDots > 0 && heightDots <= highestSlipDots && dots.length === (widthDots / 8) * heightDots;
