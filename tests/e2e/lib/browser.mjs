// A real browser (Debian's Chromium, driven by playwright-core), and what a page
// has to be for everybody: checked without any library.
import { chromium } from 'playwright-core';
import assert from 'node:assert/strict';
import { X509Certificate, createHash } from 'node:crypto';
import fs from 'node:fs';
import { until } from './doorward.mjs';

const executablePath = process.env.DOORWARD_CHROMIUM ?? '/usr/bin/chromium';

// For test()'s option skip.
export const noBrowser = fs.existsSync(executablePath) ? false
  : `${executablePath} is missing; ./bootstrap installs it`;

// It trusts dw's certificate, as a person's browser does in earnest: some things
// (Clear-Site-Data) it does for nobody whose certificate is doubtful.
// also: certificates of other servers, PEM.
export async function openBrowser(t, { ca }, { also = [] } = {}) {
  const print = (pem) => createHash('sha256').update(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' })).digest('base64');
  const browser = await chromium.launch({
    executablePath,
    // pages kept whole for the back button, as people's browsers do
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync',
      `--ignore-certificate-errors-spki-list=${[ca, ...also].map(print).join(',')}`],
  });
  t.after(() => browser.close());
  return browser;
}

export const desktop = { width: 1280, height: 800 };
export const phone = { width: 360, height: 740 };

// A page in a context of its own. page.problems collects what must not happen:
// scripts that fail, violations of the content security policy, requests to
// another host. page.refused collects the statuses >= 400 of documents, which
// the browser reports as well.
// origins: other servers that it may ask.
export async function openPage(browser, dw, { origins = [], ...options } = {}) {
  const origin = `${dw.scheme}://localhost:${dw.port}`;
  const context = await browser.newContext({ baseURL: origin, viewport: desktop, ...options });
  context.setDefaultTimeout(15000);
  const page = await context.newPage();
  page.origin = origin;
  page.problems = [];
  page.refused = [];
  page.on('console', (m) => {
    if (m.type() !== 'error' && m.type() !== 'warning') return;
    if (/^Failed to load resource: the server responded with a status of [45]/.test(m.text())) return;
    page.problems.push(m.text());
  });
  page.on('pageerror', (e) => page.problems.push(e.message));
  page.on('request', (r) => {
    if (![origin, ...origins].some((o) => r.url().startsWith(`${o}/`)) && !r.url().startsWith('data:')) page.problems.push(`request to ${r.url()}`);
  });
  page.on('response', (r) => { if (r.status() >= 400) page.refused.push(r.status()); });
  return page;
}

// Runs in the browser. Returns what is wrong with the page.
function inspect(widest) {
  const wrong = [];
  const all = [...document.querySelectorAll('body, body *')].filter((e) => e.checkVisibility());
  const one = (selector) => {
    const n = document.querySelectorAll(selector).length;
    if (n !== 1) wrong.push(`${n} of ${selector}`);
  };
  one('html[lang="en"]');
  one('h1');
  one('main');
  one('meta[name="viewport"]');
  if (!document.title.trim()) wrong.push('no title');
  if (document.querySelector('script, [onclick], [onload], [style]')) wrong.push('script, handler or inline style');

  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  if (new Set(ids).size !== ids.length) wrong.push('an id is there twice');
  for (const e of document.querySelectorAll('[aria-describedby]')) {
    for (const id of e.getAttribute('aria-describedby').split(' ')) {
      if (!document.getElementById(id)?.textContent.trim()) wrong.push(`aria-describedby ${id}`);
    }
  }
  const levels = [...document.querySelectorAll('h1,h2,h3')].map((h) => Number(h.tagName[1]));
  levels.forEach((l, i) => { if (l > (levels[i - 1] ?? 0) + 1) wrong.push(`heading level ${l}`); });
  for (const e of document.querySelectorAll('input:not([type=hidden]), textarea, select')) {
    if (![...e.labels].some((l) => l.checkVisibility() && l.textContent.trim())) wrong.push(`no label: ${e.name}`);
  }
  for (const e of document.querySelectorAll('a, button')) {
    if (!e.textContent.trim()) wrong.push('a link or button without a name');
  }
  for (const e of document.querySelectorAll('button, .button, input:not([type=hidden])')) {
    if (e.getBoundingClientRect().height < 44) wrong.push(`${e.tagName} is only ${e.getBoundingClientRect().height} high`);
  }

  const rgba = (text) => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const luminance = ({ r, g, b }) => {
    const [x, y, z] = [r, g, b].map((v) => {
      const c = v / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const contrast = (a, b) => {
    const [x, y] = [luminance(a), luminance(b)].sort((m, n) => n - m);
    return (x + 0.05) / (y + 0.05);
  };
  const ground = (e) => {
    for (let at = e; at; at = at.parentElement) {
      const c = rgba(getComputedStyle(at).backgroundColor);
      if (c.a === 1) return c;
      if (c.a !== 0) wrong.push('a half-transparent background');
    }
    return { r: 255, g: 255, b: 255 };
  };
  for (const e of all) {
    const s = getComputedStyle(e);
    const hasText = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (hasText) {
      const c = contrast(rgba(s.color), ground(e));
      if (c < 4.5) wrong.push(`contrast ${c.toFixed(2)} of "${e.textContent.trim().slice(0, 30)}"`);
      if (parseFloat(s.fontSize) < 14) wrong.push(`font of ${s.fontSize}`);
    }
    if (e.tagName === 'INPUT' && e.type !== 'hidden') {
      if (contrast(rgba(s.color), ground(e)) < 4.5) wrong.push('contrast in the field');
      if (contrast(rgba(s.borderTopColor), ground(e.parentElement)) < 3) wrong.push('contrast of the edge of the field');
    }
    const box = e.getBoundingClientRect();
    if (box.right > widest + 0.5 || box.left < -0.5) wrong.push(`${e.tagName} is wider than the window`);
  }
  if (document.documentElement.scrollWidth > widest) wrong.push('scrolls sideways');
  return wrong;
}

// A folder for pictures of every page that is looked at, for human eyes.
const pictures = process.env.DOORWARD_PICTURES;

// Every way to look at a page: desktop, the same at 200 and 400 % zoom, phone;
// light and dark.
export async function assertAccessible(page, name) {
  const before = page.viewportSize();
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    for (const size of [desktop, { width: 640, height: 400 }, { width: 320, height: 256 }, phone]) {
      await page.setViewportSize(size);
      const wrong = await page.evaluate(inspect, size.width);
      assert.deepEqual(wrong, [], `${name}, ${colorScheme}, ${size.width} px`);
      if (pictures && (size === desktop || size === phone)) {
        await page.screenshot({ path: `${pictures}/${name.replace(/\W+/g, '-')}-${colorScheme}-${size.width}.png` });
      }
    }
  }
  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize(before);
}

// The element that has the focus, as text, after checking that one can see it.
// A page's autofocus comes with its first rendering.
export async function focused(page) {
  await until('something has the focus', () => page.evaluate(() => document.activeElement !== document.body));
  const f = await page.evaluate(() => {
    const e = document.activeElement;
    const s = getComputedStyle(e);
    return { what: e.id || e.textContent.trim(), visible: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 };
  });
  assert.ok(f.visible, `one cannot see that ${f.what} has the focus`);
  return f.what;
}
