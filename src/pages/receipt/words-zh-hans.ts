import { claim } from '../../contract/messages/zh-Hans.json';
import type { Words } from './words.ts';

export const wordsZhHans: Words = {
  title: '查验回执',
  lead: '看看回执是不是真的、能证明什么。您放进来的内容不会离开这台设备。',
  languages: '语言',
  withId: (name, id) => `${name}（${id}）`,
  localTime: (moment) => `${moment}（北京时间）`,

  trust: {
    title: '这一页信任谁',
    hub: (hub, chain) => `${hub}的账本“${chain}”。这家中心的公钥已经写在这一页里。`,
    brought: (chain) => `账本“${chain}”，公钥是您自己放进来的。它们属于谁，这一页无从得知。`,
    none: '还没有。请粘贴开出回执的那家中心的信任根。',
    fingerprint: '这些公钥的指纹',
    compare: '请向中心或您信得过的人要来指纹，逐字核对；不要用和这一页同一个来处的指纹。只要有一个字不同，就别用这一页。',
    other: '改用别的公钥（供懂行的人）',
    otherText: '粘贴另一家中心的信任根（trust.json）。关掉这一页就不再算数。',
    field: '信任根',
    take: '信任这些公钥',
    wrong: '这不是信任根。',
    back: '换回这一页自带的公钥',
  },

  receipt: {
    title: '您的回执',
    file: '选择回执文件',
    codes: '或者粘贴二维码里的文字',
    codesText: '用手机逐张扫码，把扫出来的文字粘贴到这里，先后不限。每一段都以 IMI1 开头。',
    check: '查验这些文字',
  },

  holds: {
    title: '这张回执是真的',
    text: (chain) => `内容没有被改动，账本“${chain}”里确实有这一笔。`,
    completes: '它补全了您先前打开的那张回执：当时申请还在等待送出，现在已经登记。',
    reference: '编号',
    signed: '签了什么',
    place: '时间和地点',
    at: '最迟于此时登记',
    kiosk: '在哪台自助机签的',
    ledger: '账本',
    entry: '第几笔',
    entryOf: (entry, entries) => `共 ${entries} 笔中的第 ${entry} 笔`,
    signatures: '有效签名数',
    witnessed: '外部有谁见证过',
    tooFewWitnesses: '外部有谁见证过（人数还不够）',
    witness: '见证方',
    seenAt: '见证时间',
    not: '不能证明什么',
    nots: ['当事人是谁：回执里没有姓名，也没有任何人的信息。', '出示回执的人就是签名的人。', '这之后单位作了什么决定，授权是不是已经提前收回。'],
    experts: '供懂行的人',
    transaction: '交易',
    height: '区块',
    head: '为它签名的区块头的哈希',
    print: '打印结果',
  },

  complete: {
    title: (count) => (count === 0 ? '没有任何记录涉及这位居民' : `就是这 ${count} 条，不多也不少`),
    text: (chain) => `账本“${chain}”给每位居民的记录都编了号。到下面这个时刻为止，全部记录都在这里：没有遗漏，没有添加，也没有改动。`,
    entries: '全部记录，新的在前',
    ordered: '签发时间',
    asOf: '截至',
    resident: '居民在账本里的编号',
    nots: ['这位居民是谁：名单里没有姓名，也没有任何人的信息。', '这个时刻之后发生的事。', '单位看过信息以后拿去做了什么：转给别人不会留下记录。'],
  },

  progress: { queued: '已签名', recorded: '已登记', witnessed: '有见证', notYet: '：这张回执没有显示' },

  queued: {
    title: '已签名，还没有登记',
    text: (chain) => `给出这张回执时，申请还在等待送出。此后内容没有被改动。它不能证明账本“${chain}”里已经有这一笔，也不能证明是谁的卡签的名：只有完整的回执才能证明。`,
    complete: '怎样补全',
    steps: ['到中心的任何一台自助机插卡，在“我的申请”里打开这份申请。登记以后，那里就有完整的回执。', '把完整的回执也放到这一页来，这一页会说它是不是补全了这一张。'],
    lapses: (at) => `如果到${at}还没有登记，签名就失效，申请要重新办理。`,
    says: '它自己说的',
  },

  refused: {
    'not-a-receipt': { title: '这不是一张完整的回执', text: '可能选错了，也可能中途被截断或损坏。请从原处重新取一次文件或二维码。' },
    altered: { title: '这张回执不可信', text: '内容被改动或损坏，或者混进了别的回执的二维码。上面写的都得不到证明。' },
    'part-altered': { title: '这张回执不可信', text: '私密部分（哪个单位、什么业务、哪些信息）被改动过，或者来自另一张回执。上面写的都得不到证明。' },
    'other-signers': {
      title: '这一页不信任给它签名的公钥',
      text: '账本的名字对得上，但在这一页信任的公钥里，签了名的不够多。回执可能是伪造的，也可能是中心后来换了公钥：请向中心要一份新的查验页。',
    },
    'before-trust': { title: '这张回执太早，这一页判断不了', text: '它早于这一页所信任的公钥。请向中心要一份带有早先公钥的查验页。' },
  },
  otherLedger: (named, trusted) => ({
    title: '这是另一个账本的回执',
    text: `它自称在账本“${named}”里，而这一页只信任“${trusted}”。请用开出回执的那家中心的查验页。`,
  }),
  noTrust: { title: '这一页还没有可信任的公钥', text: '没有信任根就无法查验。请在上面“改用别的公钥”里粘贴一份。' },
  fileUnreadable: { title: '文件读不出来', text: '请先把它存到这台设备上，再选一次。' },
  reason: '原因',
  codes: {
    noSymbol: { title: '这里还没有二维码的文字', text: '请粘贴回执二维码里的文字，每一段都以 IMI1 开头。' },
    mixed: { title: '这些文字不属于同一张回执', text: '请清空后，只粘贴同一张回执的文字。' },
    damaged: (number) => ({ title: `第 ${number} 张码的文字不对`, text: '有字错了或者漏了，请重新扫一次或复制一次。' }),
    incomplete: (missing, of) => ({ title: `共 ${of} 张码，还缺第 ${missing.join('、')} 张`, text: '把缺的接着粘贴在后面，再查验一次。' }),
  },

  claims: claim,
};
