// A page that has been taken over: it tries what the snapshot's page names and says what came of it.
const { imi } = globalThis;
delete globalThis.imi;
const heading = document.querySelector('#heading');
const zoom = () => `${visualViewport.scale} ${devicePixelRatio} ${innerWidth}x${innerHeight}`;
for (const type of ['keydown', 'contextmenu', 'auxclick']) {
  document.addEventListener(type, (event) => imi.send({ intent: 'answer.submit', question: type, value: `${event.key ?? event.button} ${zoom()}` }));
}

const settled = (promise) => promise.then(() => 'done', (error) => error.name);
const thrown = (run) => {
  try {
    return String(run() ?? 'nothing');
  } catch (error) {
    return error.name;
  }
};
const event = (target, good, bad) =>
  new Promise((resolve) => {
    target.addEventListener(good, () => resolve(good));
    target.addEventListener(bad, () => resolve(bad));
  });

const tries = {
  fetch: () => settled(fetch('https://example.org/')),
  'fetch-own': () => settled(fetch('/style.css')),
  eval: () => thrown(() => (0, eval)('1 + 1')),
  'new-function': () => thrown(() => new Function('return 1')()),
  'inner-html': () => thrown(() => { heading.innerHTML = '<b>x</b>'; }),
  inline: () => String(globalThis.inlineRan ?? 'blocked'),
  window: () => thrown(() => (window.open('https://example.org/') === null ? 'blocked' : 'opened')),
  'window-own': () => thrown(() => (window.open('/') === null ? 'blocked' : 'opened')),
  alert: () => thrown(() => alert('x')),
  websocket: () => event(new WebSocket('wss://example.org/'), 'open', 'error'),
  worker: () => thrown(() => event(new Worker(URL.createObjectURL(new Blob(['1'], { type: 'text/javascript' }))), 'message', 'error')),
  image: () => {
    const image = new Image();
    const seen = event(image, 'load', 'error');
    image.src = 'https://example.org/a.png';
    return seen;
  },
  frame: () => {
    const frame = document.createElement('iframe');
    frame.src = '/';
    document.body.append(frame);
    return thrown(() => (frame.contentDocument === null ? 'blocked' : frame.contentDocument.URL));
  },
  'frame-speaks': () => {
    const frame = document.createElement('iframe');
    document.body.append(frame);
    const found = Reflect.ownKeys(frame.contentWindow).filter((name) => typeof name === 'string' && /^(send|deliver)-/.test(name));
    for (const name of found) frame.contentWindow[name](JSON.stringify({ intent: 'help.open' }));
    return String(found.length);
  },
  'binding-left': () => Reflect.ownKeys(globalThis).filter((name) => typeof name === 'string' && /^(send|deliver)-|^imi$/.test(name)).join() || 'none',
  secure: () => `${isSecureContext} ${crossOriginIsolated} ${location.origin}`,
  link: () => {
    const link = document.createElement('a');
    link.href = 'https://example.org/';
    document.body.append(link);
    link.click();
    return 'clicked';
  },
  blank: () => {
    location.href = 'about:blank';
    return 'left';
  },
  blob: () => {
    location.href = URL.createObjectURL(new Blob(['<p>x'], { type: 'text/html' }));
    return 'left';
  },
  download: () => {
    const link = document.createElement('a');
    link.href = '/style.css';
    link.download = 'x.css';
    document.body.append(link);
    link.click();
    return 'clicked';
  },
  geolocation: () => new Promise((resolve) => navigator.geolocation.getCurrentPosition(() => resolve('given'), () => resolve('denied'))),
  usb: () => settled(navigator.usb?.getDevices() ?? Promise.reject(new Error())),
  store: () => {
    localStorage.setItem('left', 'behind');
    document.cookie = 'left=behind';
    return 'stored';
  },
  stored: () => `${localStorage.getItem('left')} ${document.cookie}`,
  large: () => {
    imi.send({ intent: 'answer.submit', question: 'large', value: 'x'.repeat(70_000) });
    return 'sent';
  },
  nonsense: () => {
    imi.send({ intent: 'open-the-door' });
    return 'sent';
  },
  flood: () => {
    for (let i = 0; i < 200; i += 1) imi.send({ intent: 'activity' });
    return 'sent';
  },
  hang: () => {
    for (;;);
  },
  focus: () => {
    document.querySelector('#field').focus();
    return 'focused';
  },
  typed: () => document.querySelector('#field').value,
  zoom,
};

imi.onSnapshot(async (snapshot) => {
  const name = snapshot.try;
  heading.textContent = `${snapshot.seq} ${name ?? ''}`;
  if (name === undefined) return;
  const value = String(await tries[name]());
  imi.send({ intent: 'answer.submit', question: name, value: value.slice(0, 500) });
});
imi.ready();
