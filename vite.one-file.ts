import { createHash } from 'node:crypto';
import type { Plugin } from 'vite';

const policyOfSource = `content="default-src 'none'"`;
const sourceHash = (source: string): string => `'sha256-${createHash('sha256').update(source).digest('base64')}'`;

/** Script and style go into the page, and its policy lets in these two by their hashes and nothing else: no eval, and no network but what `more` lets in. */
export const oneFile = (more = ''): Plugin => ({
  name: 'one-file',
  enforce: 'post',
  generateBundle(_options, bundle) {
    const files = Object.values(bundle);
    const [page, ...pages] = files.filter((file) => file.type === 'asset' && file.fileName.endsWith('.html'));
    const [style, ...styles] = files.filter((file) => file.type === 'asset' && file.fileName.endsWith('.css'));
    const [script, ...others] = files.filter((file) => file !== page && file !== style);
    if (page?.type !== 'asset' || style?.type !== 'asset' || script?.type !== 'chunk' || pages.length + styles.length + others.length > 0) {
      this.error('a page is one document, one script and one style');
    }
    const code = script.code.trim().replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--');
    const css = text(style.source).trim();
    const policy = `default-src 'none'; script-src ${sourceHash(code)}; style-src ${sourceHash(css)}; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'${more}`;
    const html = text(page.source)
      .replace(/\s*<script type="module"[^>]*src=[^>]*><\/script>/, '')
      .replace(/\s*<link rel="stylesheet"[^>]*>/, '')
      .replace(policyOfSource, () => `content="${policy}"`)
      .replace('</head>', () => `<style>${css}</style>\n  </head>`)
      .replace('</body>', () => `<script type="module">${code}</script>\n  </body>`);
    if (!html.includes(policy) || /\b(?:src|href)="/.test(html.replace(code, () => ''))) this.error('the page has lost its policy, or still loads something');
    page.source = html;
    delete bundle[style.fileName];
    delete bundle[script.fileName];
  },
});

const text = (source: string | Uint8Array): string => (typeof source === 'string' ? source : new TextDecoder().decode(source));
