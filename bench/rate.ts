export interface Rate {
  perSecond: number;
  /** For each second that the calling thread itself computed: what else the machine does counts less in it, and waiting for the disk not at all. */
  perThreadSecond: number;
  /** For each second that all threads of this process computed. */
  perProcessorSecond: number;
}

const seconds = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1_000_000;

/** Begins now; of `count` things done since. */
export function beginRate(): (count: number) => Rate {
  const begun = performance.now();
  const [thread, all] = [process.threadCpuUsage(), process.cpuUsage()];
  return (count) => ({
    perSecond: count / ((performance.now() - begun) / 1000),
    perThreadSecond: count / seconds(process.threadCpuUsage(thread)),
    perProcessorSecond: count / seconds(process.cpuUsage(all)),
  });
}
