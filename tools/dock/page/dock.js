/** The dock's page: draws the state it is sent, and sends what was touched. */

const texts = {
  'zh-Hans': {
    title: '卡片',
    lead: '点一下插卡，再点一下拔出。',
    other: 'English',
    'slot.resident': '居民读卡器',
    'slot.staff': '工作人员读卡器',
    empty: '空',
    silent: '读卡器没有反应。办事机还开着吗？',
    finger: '按一下卡上的按键',
    faults: '出点故障',
    pin: '演示：所有卡的密码都是',
    'shelf.residents': '居民的卡',
    'shelf.hub': '服务中心的卡',
    'shelf.offices': '各部门的卡',
    'shelf.spare': '新卡和别的卡',
    'kind.resident': '居民卡',
    'kind.new': '新卡',
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
    title: 'Cards',
    lead: 'Touch a card to put it in, again to take it out.',
    other: '中文',
    'slot.resident': 'Resident reader',
    'slot.staff': 'Staff reader',
    empty: 'empty',
    silent: 'The reader does not answer. Is the kiosk still open?',
    finger: 'Touch the button on the card',
    faults: 'Make something go wrong',
    pin: 'Demo: the PIN of every card is',
    'shelf.residents': 'Residents',
    'shelf.hub': 'The hub',
    'shelf.offices': 'Agencies and offices',
    'shelf.spare': 'New cards, and another',
    'kind.resident': 'Resident card',
    'kind.new': 'New card',
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
const shelves = ['residents', 'hub', 'offices', 'spare'];
const kinds = ['resident', 'new', 'staff', 'technician', 'registrar', 'officer', 'auditor', 'other'];
const faults = ['none', 'mute', 'slow', 'hang', 'vanish-signing-in', 'vanish-signing'];

const byId = (id) => document.getElementById(id);
let language = new URLSearchParams(location.search).get('language') ?? (navigator.language.startsWith('zh') ? 'zh-Hans' : 'en');
if (!(language in texts)) language = 'en';
let state = null;

const text = (key) => texts[language][key] ?? key;

function act(body) {
  void fetch('act', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
}

/** The shelves that have cards on them, in their order. */
const laid = new Map();
function layShelves() {
  for (const shelf of shelves) {
    if (laid.has(shelf) || !state.cards.some((card) => card.shelf === shelf)) continue;
    const section = byId('shelf').content.cloneNode(true).firstElementChild;
    section.querySelector('h2').dataset.text = `shelf.${shelf}`;
    laid.set(shelf, section.querySelector('ul'));
    byId('shelves').append(section);
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
  button.querySelector('.note').textContent = card.note?.[language] ?? '';
}

function drawSlot(element) {
  const card = state.cards.find(({ slot, place }) => slot === element.dataset.slot && place === 'reader');
  element.classList.toggle('full', card !== undefined);
  for (const kind of kinds) element.classList.toggle(`kind-${kind}`, card?.kind === kind);
  element.querySelector('.slot-state').textContent = card?.name ?? text('empty');
}

function drawFaults() {
  byId('fault-now').textContent = state.fault === 'none' ? '' : text(`fault.${state.fault}`);
  const choices = byId('fault-choices');
  choices.setAttribute('aria-label', text('faults'));
  if (choices.childElementCount === 0) {
    for (const fault of faults) {
      const choice = document.createElement('input');
      choice.type = 'radio';
      choice.name = 'fault';
      choice.value = fault;
      choice.addEventListener('change', () => act({ act: 'fault', fault }));
      const label = document.createElement('label');
      label.append(choice, document.createElement('span'), document.createElement('small'));
      choices.append(label);
    }
  }
  for (const label of choices.children) {
    const choice = label.querySelector('input');
    choice.checked = choice.value === state.fault;
    label.querySelector('span').textContent = text(`fault.${choice.value}`);
    label.querySelector('small').textContent = choice.value === 'none' ? '' : text(`fault.${choice.value}.why`);
  }
}

function draw() {
  if (state === null) return;
  document.documentElement.lang = language;
  document.title = text('title');
  layShelves();
  for (const element of document.querySelectorAll('[data-text]')) element.textContent = text(element.dataset.text);
  byId('language').textContent = text('other');
  byId('language').lang = language === 'en' ? 'zh-Hans' : 'en';
  for (const card of state.cards) drawCard(card);
  for (const slot of document.querySelectorAll('.slot')) drawSlot(slot);
  byId('notice').textContent = state.readerSilent ? text('silent') : '';
  byId('finger').hidden = !state.touchWanted;
  drawFaults();
  byId('pin').hidden = state.pin === null;
  const digits = document.createElement('span');
  digits.textContent = state.pin;
  byId('pin').replaceChildren(text('pin'), ' ', digits);
}

byId('language').addEventListener('click', () => {
  language = language === 'en' ? 'zh-Hans' : 'en';
  draw();
});
byId('finger').addEventListener('click', () => act({ act: 'finger' }));
new EventSource('state').addEventListener('message', ({ data }) => {
  state = JSON.parse(data);
  draw();
});
