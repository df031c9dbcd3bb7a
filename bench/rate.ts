export interface Rate {
  perSecond: number;
  /** For each second that the calling thread itself computed: what else the machine does counts less in it, and waiting for the disk not at all. */
  perThreadSecond: number;
}

/** Begins now; of `count` things done since. */
export function beginRate(): (count: number) => Rate {
  const begun = performance.now();
  const before = process.threadCpuUsage();
  return (count) => {
    const { user, system } = process.threadCpuUsage(before);
    return { perSecond: count / ((performance.now() - begun) / 1000), perThreadSecond: count / ((user + system) / 1_000_000) };
  };
}
