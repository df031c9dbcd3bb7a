import type { HubFile } from '../../contract/hub-file.ts';
import type { CheckName } from '../../contract/workshop.ts';
import type { Result } from '../../contract/result.ts';
import { escaped } from '../html.ts';
import { printPdf } from '../print-pdf.ts';
import type { Check, Readiness, SignedReadiness } from './readiness.ts';

const names: Record<CheckName, [chinese: string, english: string]> = {
  program: ['程序', 'Program'],
  'data-folder': ['数据文件夹', 'Data folder'],
  disk: ['磁盘', 'Disk'],
  'device-key': ['设备密钥', 'Device key'],
  hub: ['服务中心', 'Service hub'],
  ledger: ['账本', 'Ledger'],
  clock: ['时钟', 'Clock'],
  enrolment: ['登记', 'Enrolment'],
  'reader-resident': ['居民读卡器', 'Residents’ reader'],
  'reader-staff': ['工作人员读卡器', 'Staff’s reader'],
  'identity-reader': ['身份证阅读器', 'Identity-card reader'],
  scanner: ['扫码器', 'Scanner'],
  printer: ['打印机', 'Printer'],
  'stand-ins': ['模拟设备', 'Stand-ins'],
};
const states: Record<Check['state'], string> = { good: '正常 · good', warning: '注意 · look', bad: '有问题 · wrong' };

/** The readiness report on one page of A4, in both languages, for the file of the hub. */
export function readinessPage({ kiosk, at, version, machine, chain, checks, ready }: Readiness, { name }: HubFile, signed: string | null): string {
  const rows = checks.map(({ check, state, code, detail }) => {
    const [chinese, english] = names[check];
    return `<tr class="${state}"><td>${chinese}<br>${english}</td><td>${states[state]}</td><td>${escaped([code, detail].filter((word) => word !== undefined).join(' · '))}</td></tr>`;
  });
  const facts = [`${name['zh-Hans']} · ${name.en}`, `${kiosk} · ${machine} · ${version} · ${chain}`, at].map((line) => `<p>${escaped(line)}</p>`);
  const title = ready ? '自助机可以开放 · This kiosk is ready' : '自助机还不能开放 · This kiosk is not ready';
  return `<!doctype html><html lang="zh-Hans"><head><meta charset="utf-8"><title>${title}</title><style>
@page { size: A4; margin: 18mm }
body { font: 11pt/1.45 "Noto Sans CJK SC", "Noto Sans SC", sans-serif; color: #1d2329 }
h1 { font-size: 18pt; margin: 0 0 6mm }
p { margin: 0 0 1mm }
table { width: 100%; border-collapse: collapse; margin-top: 8mm }
td { border-top: 0.3mm solid #c8ccc4; padding: 2mm 3mm 2mm 0; vertical-align: top }
.bad td { font-weight: 700 }
code { display: block; margin-top: 8mm; font-size: 6pt; word-break: break-all; color: #5a625e }
</style></head><body><h1>${title}</h1>${facts.join('')}<table>${rows.join('')}</table>${signed === null ? '' : `<code>${escaped(signed)}</code>`}</body></html>`;
}

/** As `printPdf`. */
export const readinessPdf = ({ report, signed }: SignedReadiness, hubFile: HubFile): Promise<Result<Uint8Array>> => printPdf(readinessPage(report, hubFile, signed));
