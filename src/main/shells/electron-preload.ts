import { contextBridge, ipcRenderer } from 'electron';
import { messageChannel, snapshotChannel } from './electron-channels.ts';
import { heartbeatIntervalMs } from './heartbeat.ts';
import { guardWindow, isKioskKey, type GuardedWindow } from './keys-guard.ts';
import { layBridge } from './page-bridge.ts';

guardWindow(globalThis as unknown as GuardedWindow, isKioskKey);

const say = (text: string): void => {
  ipcRenderer.send(messageChannel, text);
};
// Not `exposeInMainWorld`: what that lays cannot be taken away again by the renderer.
const deliver = contextBridge.executeInMainWorld({ func: layBridge, args: [say, heartbeatIntervalMs] }) as (text: string) => void;
ipcRenderer.on(snapshotChannel, (_event, text: string) => {
  deliver(text);
});
