import type { Language } from '../../contract/language.ts';
import type { DeskStep } from './desk-state.ts';

export interface DeskWords {
  languageName: string;
  desk: (agency: string) => string;
  asOf: (time: string) => string;
  lost: string;
  demoKey: string;
  card: string;
  queue: string;
  all: string;
  show: string;
  columns: { when: string; service: string; step: string; request: string };
  none: string;
  steps: Record<DeskStep, string>;
  open: (id: string) => string;
  close: string;
  typed: string;
  facts: string;
  before: (purpose: string) => string;
  look: string;
  looking: string;
  looked: (transaction: string) => string;
  says: (issuer: string, checked: string) => string;
  checked: Record<'valid' | 'unlisted', string>;
  next: string;
  receive: string;
  needMore: string;
  approve: string;
  refuse: string;
  finish: string;
  letterTitle: string;
  letterText: string;
  letterHint: string;
  nothingToDo: string;
  done: string;
  refused: (reason: string) => string;
  withdrawnService: string;
  charts: string;
  byDay: string;
  day: string;
  total: string;
  toDecision: string;
  within: string[];
  requests: string;
  median: (time: string) => string;
  minutes: (count: string) => string;
  hours: (count: string) => string;
  days: (count: string) => string;
  noDecision: string;
  refusals: string;
  code: string;
  noRefusal: string;
}

const en: DeskWords = {
  languageName: 'English',
  desk: (agency) => `${agency}: requests`,
  asOf: (time) => `As the ledger has it, ${time}`,
  lost: 'The gateway cannot be reached. What is shown may be old.',
  demoKey: 'Demonstration: an officer’s key from a file',
  card: 'Officer’s card; the PIN is asked for where this desk was started',
  queue: 'Queue',
  all: 'All steps',
  show: 'Show',
  columns: { when: 'Recorded', service: 'Service', step: 'Step', request: 'Request' },
  none: 'There is nothing in the queue.',
  steps: { submitted: 'Submitted', received: 'Received', 'needs-more': 'Needs more', decided: 'Decided', closed: 'Closed', withdrawn: 'Withdrawn' },
  open: (id) => `Open request ${id}`,
  close: 'Close this request',
  typed: 'What the resident typed',
  facts: 'Facts the resident lets you see',
  before: (purpose) => `You look at them ${purpose}. The look is recorded under your officer’s name, and the resident reads it.`,
  look: 'Look at the facts for this purpose',
  looking: 'Recording the look …',
  looked: (transaction) => `This look is recorded: ${transaction}`,
  says: (issuer, checked) => `As vouched for by: ${issuer}. ${checked}`,
  checked: { valid: 'Signatures, dates and card checked; not revoked.', unlisted: 'Signatures, dates and card checked; the issuer has no status list.' },
  next: 'What happens next',
  receive: 'Take it on',
  needMore: 'Ask for more',
  approve: 'Approve',
  refuse: 'Refuse',
  finish: 'Close it',
  letterTitle: 'Title of the letter',
  letterText: 'Letter to the resident',
  letterHint: 'Only the resident can open it. Leave it empty to send none.',
  nothingToDo: 'Nothing is left to do.',
  done: 'Recorded on the ledger.',
  refused: (reason) => `Nothing was done. ${reason}`,
  withdrawnService: 'This service is published no more; its facts cannot be asked for here.',
  charts: 'Figures',
  byDay: 'Requests by day and step',
  day: 'Day',
  total: 'All',
  toDecision: 'From request to decision',
  within: ['within an hour', 'within a day', 'within 3 days', 'within 7 days', 'longer'],
  requests: 'Requests',
  median: (time) => `Half were decided within ${time}.`,
  minutes: (count) => `${count} min`,
  hours: (count) => `${count} hours`,
  days: (count) => `${count} days`,
  noDecision: 'Nothing has been decided yet.',
  refusals: 'Refused by the gateway since this desk was opened',
  code: 'Code',
  noRefusal: 'Nothing was refused.',
};

const zh: DeskWords = {
  languageName: '中文',
  desk: (agency) => `${agency} · 办件`,
  asOf: (time) => `以账本为准，${time}`,
  lost: '连不上网关，显示的内容可能不是最新的。',
  demoKey: '演示：用文件中的经办人密钥',
  card: '经办人卡；密码在启动本页的终端里输入',
  queue: '待办列表',
  all: '所有环节',
  show: '显示',
  columns: { when: '记录时间', service: '事项', step: '环节', request: '申请' },
  none: '目前没有申请。',
  steps: { submitted: '已提交', received: '已收件', 'needs-more': '待补充', decided: '已决定', closed: '已办结', withdrawn: '已撤回' },
  open: (id) => `打开申请 ${id}`,
  close: '关闭这份申请',
  typed: '居民填写的内容',
  facts: '居民允许查看的信息',
  before: (purpose) => `查看目的：${purpose}。查看会记在经办人名下，居民可以看到。`,
  look: '按这个目的查看信息',
  looking: '正在记录这次查看……',
  looked: (transaction) => `这次查看已记录：${transaction}`,
  says: (issuer, checked) => `出具单位：${issuer}。${checked}`,
  checked: { valid: '签名、日期和卡均已核对，未被撤销。', unlisted: '签名、日期和卡均已核对；出具单位没有状态清单。' },
  next: '下一步',
  receive: '收件',
  needMore: '要求补充',
  approve: '批准',
  refuse: '不批准',
  finish: '办结',
  letterTitle: '信的标题',
  letterText: '给居民的信',
  letterHint: '只有居民能打开。不写就不寄。',
  nothingToDo: '没有要办的了。',
  done: '已记入账本。',
  refused: (reason) => `没有办成。${reason}`,
  withdrawnService: '这个事项已不再公布，不能在这里查看信息。',
  charts: '统计',
  byDay: '每天各环节的申请',
  day: '日期',
  total: '合计',
  toDecision: '从申请到决定',
  within: ['一小时内', '一天内', '三天内', '七天内', '更久'],
  requests: '申请',
  median: (time) => `一半在 ${time}内作出决定。`,
  minutes: (count) => `${count} 分钟`,
  hours: (count) => `${count} 小时`,
  days: (count) => `${count} 天`,
  noDecision: '还没有作出决定的申请。',
  refusals: '本页打开以来被网关拒绝的操作',
  code: '代码',
  noRefusal: '没有被拒绝的操作。',
};

export const deskWords: Record<Language, DeskWords> = { 'zh-Hans': zh, en };
