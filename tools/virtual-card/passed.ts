/** True once `ms` have passed, false as soon as the signal fires: for limits and for what a fault is told to take. */
export function passed(ms: number, unless: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(true), ms);
  const stop = (): void => {
    clearTimeout(timer);
    resolve(false);
  };
  if (unless.aborted) stop();
  else unless.addEventListener('abort', stop, { once: true });
  return promise;
}
