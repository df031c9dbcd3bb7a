import { fork } from 'node:child_process';
import type { HostMessage, SpawnHost } from '../contract/device-host.ts';
import { hostArguments } from './host-arguments.ts';
import type { HostDuties } from './host-arguments.ts';

export interface NodeHostOptions extends HostDuties {
  /** Path of `host.ts`, or of what it was built to. */
  hostPath: string;
  /** Socket of the PC/SC daemon. Default: PCSCLITE_CSOCK_NAME of this process, else the system's own. */
  pcscSocket?: string;
}

/** The device host as a child process of Node: for the Chromium shell and for tests. It inherits no flag and only what it needs of the environment. */
export function spawnNodeHost(options: NodeHostOptions): SpawnHost {
  const { PATH, NODE_COMPILE_CACHE, PCSCLITE_CSOCK_NAME } = process.env;
  const socket = options.pcscSocket ?? PCSCLITE_CSOCK_NAME;
  return () => {
    const child = fork(options.hostPath, hostArguments(options), {
      execArgv: [],
      env: { PATH, ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }), ...(socket === undefined ? {} : { PCSCLITE_CSOCK_NAME: socket }) },
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    return {
      post(message) {
        // A host that is going down takes no more messages; its exit says so.
        if (child.connected) child.send(message, () => undefined);
      },
      onMessage(listener) {
        child.on('message', (message) => listener(message as HostMessage));
      },
      onExit(listener) {
        child.once('exit', () => listener());
        child.once('error', () => listener());
      },
      kill() {
        child.kill('SIGKILL');
      },
    };
  };
}
