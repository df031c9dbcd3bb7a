/** The dock's page: draws the state it is sent, and sends what was touched. */

const texts = {
  'zh-Hans': {
    title: '手边',
    'lead.cards': '点一下插卡，再点一下拔出。',
    'lead.documents': '点一下放上阅读器，再点一下拿开。',
    'lead.codes': '点一下，放到扫码器下面。',
    'lead.paper': '打出来的小票，和打印机的毛病。',
    'part.cards': '卡片',
    'part.documents': '身份证',
    'part.codes': '扫码',
    'part.paper': '打印',
    other: 'English',
    'slot.resident': '居民读卡器',
    'slot.staff': '工作人员读卡器',
    empty: '空',
    'device.document': '身份证阅读器',
    'device.scanner': '扫码器',
    'device.printer': '打印机',
    'scanner.idle': '等着扫码',
    'scanner.none': '没有',
    'scanner.seen': '扫过 {count} 次',
    'printer.none': '一切正常',
    'printer.none.slips': '打了 {count} 张',
    'printer.paper-low': '纸快没了',
    'printer.paper-out': '没有纸',
    'printer.cover-open': '盖子开着',
    'printer.jammed': '卡纸',
    'shelf.not-registered': '还没登记的人',
    'shelf.registered': '登记过的人',
    'shelf.refused': '不能用的证件',
    'documents.serial': '这里没有 umockdev：阅读器接在串口上。',
    'codes.bill': '账单上的条形码',
    'codes.bill.note': '账单',
    'codes.ask': '有单位想核实',
    'codes.ask.note': '请求的二维码',
    'codes.ask.new': '让养老金中心发一个请求',
    'codes.ask.again': '再发一个',
    'codes.ask.under-way': '正在发……',
    'codes.ask.impossible': '各部门的入口不在平常的地方，这里发不了请求。',
    'codes.ask.failed': '没有发成：{code}',
    'codes.slip': '最近一张小票上的码',
    'codes.slip.receipt': '回执',
    'codes.slip.key': '恢复密钥',
    'codes.slip.number': '第 {number} 个，共 {count} 个',
    'codes.typed': '别的，自己输入',
    'codes.typed.why': '屏幕上的接办码也行：输入八个字符，就像扫它旁边的二维码一样。',
    'codes.scan': '扫',
    'codes.no-scanner': '这里没有扫码器：{why}。装上 umockdev、gir1.2-umockdev-1.0 和 python3-gi 以后，重新运行 npm start。',
    'paper.state': '打印机的状况',
    'paper.last': '最近一张',
    'paper.none': '还没有打印过。在办事机上办完一件事，点“打印”。',
    'paper.alt': '最近一张小票',
    silent: '读卡器没有反应。办事机还开着吗？',
    finger: '按一下卡上的按键',
    faults: '出点故障',
    pin: '演示：卡的密码都是',
    'pin.own': '密码 {pin}',
    'shelf.residents': '居民的卡',
    'shelf.hub': '服务中心的卡',
    'shelf.offices': '各部门的卡',
    'shelf.spare': '新卡和别的卡',
    'kind.resident': '居民卡',
    'kind.new': '新卡',
    'kind.blank': '空白卡',
    'kind.document': '居民身份证',
    'note.blank': '还没有密钥',
    'note.blank.used': '有主人了',
    'kind.staff': '工作人员卡',
    'kind.technician': '技术员卡',
    'kind.registrar': '登记员卡',
    'kind.officer': '公务员卡',
    'kind.auditor': '审计员卡',
    'kind.other': '其他卡',
    'fault.none': '一切正常',
    'fault.mute': '插反了',
    'fault.mute.why': '下一张插入的卡没有应答。',
    'fault.slow': '很慢',
    'fault.slow.why': '每一步都要一秒半。',
    'fault.hang': '登录时卡死',
    'fault.hang.why': '卡收到命令，再也不回答。',
    'fault.vanish-signing-in': '登录时被拔走',
    'fault.vanish-signing-in.why': '卡还没回答就不见了。',
    'fault.vanish-signing': '签名后被拔走',
    'fault.vanish-signing.why': '卡已经签了名，办事机却没有收到。',
  },
  en: {
    title: 'At hand',
    'lead.cards': 'Touch a card to put it in, again to take it out.',
    'lead.documents': 'Touch one to lay it down, again to lift it.',
    'lead.codes': 'Touch a code to hold it under the scanner.',
    'lead.paper': 'What was printed, and what can go wrong.',
    'part.cards': 'Cards',
    'part.documents': 'Identity',
    'part.codes': 'Codes',
    'part.paper': 'Paper',
    other: '中文',
    'slot.resident': 'Resident reader',
    'slot.staff': 'Staff reader',
    empty: 'empty',
    'device.document': 'Identity cards',
    'device.scanner': 'Scanner',
    'device.printer': 'Printer',
    'scanner.idle': 'waiting',
    'scanner.none': 'none here',
    'scanner.seen': 'codes read: {count}',
    'printer.none': 'All is well',
    'printer.none.slips': 'slips: {count}',
    'printer.paper-low': 'Paper is low',
    'printer.paper-out': 'Out of paper',
    'printer.cover-open': 'Cover is open',
    'printer.jammed': 'Jammed',
    'shelf.not-registered': 'Not registered yet',
    'shelf.registered': 'Registered',
    'shelf.refused': 'Refused',
    'documents.serial': 'umockdev is not here: the reader hangs on a serial line.',
    'codes.bill': 'Bar codes on bills',
    'codes.bill.note': 'Bill',
    'codes.ask': 'What an agency asks',
    'codes.ask.note': 'QR code of its request',
    'codes.ask.new': 'Let the Pension Office ask',
    'codes.ask.again': 'Once more',
    'codes.ask.under-way': 'It is asking …',
    'codes.ask.impossible': 'The agencies’ door is not where it usually is: nobody can ask from here.',
    'codes.ask.failed': 'It could not ask: {code}',
    'codes.slip': 'Codes on the last slip',
    'codes.slip.receipt': 'Receipt',
    'codes.slip.key': 'Recovery key',
    'codes.slip.number': '{number} of {count}',
    'codes.typed': 'Anything else',
    'codes.typed.why': 'Also the code of a matter to go on with: its eight signs count as the QR code beside them.',
    'codes.scan': 'Scan',
    'codes.no-scanner': 'There is no scanner here: {why}. With umockdev, gir1.2-umockdev-1.0 and python3-gi installed, run npm start again.',
    'paper.state': 'How the printer is',
    'paper.last': 'The last slip',
    'paper.none': 'Nothing was printed yet. Finish a request at the kiosk, and touch “Print”.',
    'paper.alt': 'The last slip',
    silent: 'The reader does not answer. Is the kiosk still open?',
    finger: 'Touch the button on the card',
    faults: 'Make something go wrong',
    pin: 'Demo: the PIN of the cards is',
    'pin.own': 'PIN {pin}',
    'shelf.residents': 'Residents',
    'shelf.hub': 'The hub',
    'shelf.offices': 'Agencies and offices',
    'shelf.spare': 'New cards, and another',
    'kind.resident': 'Resident card',
    'kind.new': 'New card',
    'kind.blank': 'Blank card',
    'kind.document': 'Identity card',
    'note.blank': 'No keys yet',
    'note.blank.used': 'Has an owner',
    'kind.staff': 'Staff card',
    'kind.technician': 'Technician card',
    'kind.registrar': 'Registrar card',
    'kind.officer': 'Officer card',
    'kind.auditor': 'Auditor card',
    'kind.other': 'Other card',
    'fault.none': 'All is well',
    'fault.mute': 'Put in backwards',
    'fault.mute.why': 'The next card that is put in does not answer.',
    'fault.slow': 'Slow',
    'fault.slow.why': 'Every step takes a second and a half.',
    'fault.hang': 'Hangs at sign-in',
    'fault.hang.why': 'The card takes a command and never answers.',
    'fault.vanish-signing-in': 'Pulled at sign-in',
    'fault.vanish-signing-in.why': 'The card is gone before it answers.',
    'fault.vanish-signing': 'Pulled after signing',
    'fault.vanish-signing.why': 'The card has signed, and the kiosk never hears of it.',
  },
};
const parts = ['cards', 'documents', 'codes', 'paper'];
const shelves = ['residents', 'hub', 'offices', 'spare'];
const documentShelves = ['not-registered', 'registered', 'refused'];
const troubles = ['none', 'paper-low', 'paper-out', 'cover-open', 'jammed'];
const kinds = ['resident', 'new', 'blank', 'staff', 'technician', 'registrar', 'officer', 'auditor', 'other'];
const faults = ['none', 'mute', 'slow', 'hang', 'vanish-signing-in', 'vanish-signing'];

const byId = (id) => document.getElementById(id);
let language = new URLSearchParams(location.search).get('language') ?? (navigator.language.startsWith('zh') ? 'zh-Hans' : 'en');
if (!(language in texts)) language = 'en';
let state = null;
let part = 'cards';

/** With what stands in its holes: `{count}`. */
const text = (key, holes = {}) => (texts[language][key] ?? key).replaceAll(/\{(\w+)\}/g, (_, name) => holes[name]);

function act(body) {
  void fetch('act', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
}

/** The shelves that have something on them, in their order. */
const laid = new Map();
function layShelves(names, things, place) {
  for (const shelf of names) {
    if (laid.has(shelf) || !things.some((thing) => thing.shelf === shelf)) continue;
    const section = byId('shelf').content.cloneNode(true).firstElementChild;
    section.querySelector('h2').dataset.text = `shelf.${shelf}`;
    laid.set(shelf, section.querySelector('ul'));
    place.append(section);
  }
}

/** One element a card, made once: a redrawn button would lose its focus. */
const drawn = new Map();
function cardElement(card) {
  const known = drawn.get(card.label);
  if (known !== undefined) return known;
  const item = byId('card').content.cloneNode(true).firstElementChild;
  const button = item.querySelector('button');
  button.classList.add(`kind-${card.kind}`);
  button.dataset.card = card.label;
  button.addEventListener('click', () => act({ act: 'card', label: card.label }));
  drawn.set(card.label, button);
  laid.get(card.shelf).append(item);
  return button;
}

function drawCard(card) {
  const button = cardElement(card);
  button.setAttribute('aria-pressed', String(card.place !== 'dock'));
  button.classList.toggle('on-its-way', card.place === 'on-its-way');
  button.querySelector('.kind').textContent = text(`kind.${card.kind}`);
  button.querySelector('.name').textContent = card.name;
  button.querySelector('.name').classList.toggle('long', card.name.length > 8);
  button.querySelector('.note').textContent = noteOf(card);
}

function noteOf(card) {
  const own = card.kind === 'blank' ? text(card.hasKeys ? 'note.blank.used' : 'note.blank') : (card.note?.[language] ?? '');
  return [own, ...(card.ownPin === null ? [] : [text('pin.own', { pin: card.ownPin })])].join(' · ');
}

function drawDocument(document) {
  let button = drawn.get(`document/${document.id}`);
  if (button === undefined) {
    const item = byId('document').content.cloneNode(true).firstElementChild;
    button = item.querySelector('button');
    button.dataset.document = document.id;
    button.addEventListener('click', () => act({ act: 'document', id: document.id }));
    drawn.set(`document/${document.id}`, button);
    laid.get(document.shelf).append(item);
  }
  button.setAttribute('aria-pressed', String(document.laid));
  button.querySelector('.kind').textContent = text('kind.document');
  button.querySelector('.name').textContent = document.name;
  button.querySelector('.note').textContent = document.note[language];
}

const signs = {
  bill: 'M3 4v16M6 4v16M8 4v16M12 4v16M14 4v16M17 4v16M21 4v16',
  ask: 'M3 3h7v7H3zM14 3h7v7h-7zM3 14h7v7H3zM14 14h3v3h4v4M14 21v-2M21 14v1',
  slip: 'M5 2h14v19l-2.3-2-2.3 2-2.4-2-2.4 2-2.3-2-2.3 2zM9 7h6M9 11h6M9 15h3',
};

/** Codes come and go with each slip and each ask: what is listed is drawn anew where it is not the same. */
function drawCodes() {
  const { codes, asking, noScanner, lastScan } = state.devices;
  byId('no-scanner').hidden = noScanner === null;
  byId('no-scanner').textContent = noScanner === null ? '' : text('codes.no-scanner', { why: noScanner });
  byId('scanning').hidden = noScanner !== null;
  byId('slip-codes').hidden = !codes.some(({ kind }) => kind === 'slip');
  for (const list of document.querySelectorAll('[data-codes]')) {
    const listed = codes.filter(({ kind }) => kind === list.dataset.codes);
    const wanted = JSON.stringify([language, listed, listed.some(({ id }) => id === lastScan?.code) ? lastScan : null]);
    if (list.dataset.drawn === wanted) continue;
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.code : null;
    list.dataset.drawn = wanted;
    list.replaceChildren(...listed.map(codeElement));
    for (const button of list.querySelectorAll('button')) if (button.dataset.code === focused) button.focus();
  }
  byId('ask').textContent = text(asking === 'under-way' ? 'codes.ask.under-way' : codes.some(({ kind }) => kind === 'ask') ? 'codes.ask.again' : 'codes.ask.new');
  byId('ask').hidden = asking === 'impossible';
  byId('ask').disabled = asking === 'under-way';
  byId('ask-failed').textContent = asking === 'impossible' ? text('codes.ask.impossible') : typeof asking === 'object' ? text('codes.ask.failed', { code: asking.failed }) : '';
}

function codeElement({ id, kind, sender, of }) {
  const item = byId('code').content.cloneNode(true).firstElementChild;
  const button = item.querySelector('button');
  button.dataset.code = id;
  button.classList.toggle('scanned', state.devices.lastScan?.code === id);
  const sign = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  sign.setAttribute('d', signs[kind]);
  button.querySelector('svg').append(sign);
  button.querySelector('.code-name').textContent = of === null ? sender[language] : text(`codes.slip.${of.holds}`);
  button.querySelector('.code-note').textContent = of === null ? text(`codes.${kind}.note`) : text('codes.slip.number', of);
  button.addEventListener('click', () => act({ act: 'scan', id }));
  return item;
}

/** A choice of one, drawn once. */
function drawChoices(group, name, values, label, why, chosen, choose) {
  group.setAttribute('aria-label', label);
  if (group.childElementCount === 0) {
    for (const value of values) {
      const choice = document.createElement('input');
      choice.type = 'radio';
      choice.name = name;
      choice.value = value;
      choice.addEventListener('change', () => choose(value));
      const line = document.createElement('label');
      line.append(choice, document.createElement('span'), document.createElement('small'));
      group.append(line);
    }
  }
  for (const line of group.children) {
    const choice = line.querySelector('input');
    choice.checked = choice.value === chosen;
    line.querySelector('span').textContent = text(`${name}.${choice.value}`);
    line.querySelector('small').textContent = choice.value === 'none' || !why ? '' : text(`${name}.${choice.value}.why`);
  }
}

function drawPaper() {
  const { trouble, slips } = state.devices.printer;
  drawChoices(byId('paper-choices'), 'printer', troubles, text('paper.state'), false, trouble, (chosen) => act({ act: 'printer', trouble: chosen }));
  byId('no-slip').hidden = slips > 0;
  byId('slip').hidden = slips === 0;
  byId('slip').alt = text('paper.alt');
  const picture = `slip/${slips}.png`;
  if (slips > 0 && byId('slip').getAttribute('src') !== picture) byId('slip').setAttribute('src', picture);
}

function drawDevices() {
  byId('devices').hidden = state.devices === null;
  byId('tabs').hidden = state.devices === null;
  if (state.devices === null) return;
  const { documents, connection, noScanner, lastScan, printer } = state.devices;
  layShelves(documentShelves, documents, byId('part-documents'));
  for (const document of documents) drawDocument(document);
  byId('serial').hidden = connection === 'hid';
  drawCodes();
  drawPaper();
  const laidName = documents.find((document) => document.laid)?.name;
  const said = {
    document: [laidName !== undefined, laidName ?? text('empty')],
    scanner: [lastScan !== null, noScanner !== null ? text('scanner.none') : lastScan === null ? text('scanner.idle') : text('scanner.seen', lastScan)],
    printer: [printer.slips > 0, printer.trouble === 'none' && printer.slips > 0 ? text('printer.none.slips', { count: printer.slips }) : text(`printer.${printer.trouble}`)],
  };
  for (const device of document.querySelectorAll('.device')) {
    const [isFull, words] = said[device.dataset.device];
    device.classList.toggle('full', isFull);
    device.classList.toggle('troubled', device.dataset.device === 'printer' && printer.trouble !== 'none');
    device.querySelector('.slot-state').textContent = words;
  }
}

function drawParts() {
  byId('lead').textContent = text(`lead.${part}`);
  for (const name of parts) {
    const tab = byId(`tab-${name}`);
    tab.setAttribute('aria-selected', String(name === part));
    tab.tabIndex = name === part ? 0 : -1;
    byId(`part-${name}`).hidden = name !== part;
  }
}

function show(name) {
  part = name;
  drawParts();
}

function drawSlot(element) {
  const card = state.cards.find(({ slot, place }) => slot === element.dataset.slot && place === 'reader');
  element.classList.toggle('full', card !== undefined);
  for (const kind of kinds) element.classList.toggle(`kind-${kind}`, card?.kind === kind);
  element.querySelector('.slot-state').textContent = card?.name ?? text('empty');
}

function drawFaults() {
  byId('fault-now').textContent = state.fault === 'none' ? '' : text(`fault.${state.fault}`);
  drawChoices(byId('fault-choices'), 'fault', faults, text('faults'), true, state.fault, (fault) => act({ act: 'fault', fault }));
}

function draw() {
  if (state === null) return;
  document.documentElement.lang = language;
  document.title = text('title');
  layShelves(shelves, state.cards, byId('shelves'));
  for (const element of document.querySelectorAll('[data-text]')) element.textContent = text(element.dataset.text);
  byId('language').textContent = text('other');
  byId('language').lang = language === 'en' ? 'zh-Hans' : 'en';
  for (const card of state.cards) drawCard(card);
  for (const slot of document.querySelectorAll('.slot')) drawSlot(slot);
  byId('notice').textContent = state.readerSilent ? text('silent') : '';
  byId('finger').hidden = !state.touchWanted;
  drawFaults();
  drawDevices();
  drawParts();
  byId('pin').hidden = state.pin === null;
  const digits = document.createElement('span');
  digits.textContent = state.pin;
  byId('pin').replaceChildren(text('pin'), ' ', digits);
}

byId('language').addEventListener('click', () => {
  language = language === 'en' ? 'zh-Hans' : 'en';
  draw();
});
for (const name of parts) byId(`tab-${name}`).addEventListener('click', () => show(name));
// As a list of tabs does it: the arrows go from one to the next.
byId('tabs').addEventListener('keydown', ({ key }) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
  if (step === undefined) return;
  show(parts[(parts.indexOf(part) + step + parts.length) % parts.length]);
  byId(`tab-${part}`).focus();
});
byId('ask').addEventListener('click', () => act({ act: 'ask' }));
byId('typed').addEventListener('submit', (event) => {
  event.preventDefault();
  act({ act: 'scan-text', text: byId('typed-text').value });
});
byId('finger').addEventListener('click', () => act({ act: 'finger' }));
new EventSource('state').addEventListener('message', ({ data }) => {
  state = JSON.parse(data);
  draw();
});
