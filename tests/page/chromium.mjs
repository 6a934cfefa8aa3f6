// A headless Chromium, driven over a pipe: no package is needed.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Chromium {
  static start() {
    const browser = new Chromium();
    browser.folder = mkdtempSync(join(tmpdir(), 'docent-chromium-'));
    browser.process = spawn(process.env.CHROMIUM ?? 'chromium', [
      '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--hide-scrollbars', '--no-first-run',
      '--remote-debugging-pipe', `--user-data-dir=${browser.folder}`, 'about:blank',
    ], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    browser.waiting = new Map();
    browser.tabs = new Map();
    browser.last = 0;
    let rest = '';
    browser.process.stdio[4].setEncoding('utf8').on('data', text => {
      const messages = (rest + text).split('\0');
      rest = messages.pop();
      messages.forEach(message => browser.hear(JSON.parse(message)));
    });
    return browser;
  }

  hear({ id, result, error, method, params, sessionId }) {
    if (id) {
      const { done, failed } = this.waiting.get(id);
      this.waiting.delete(id);
      if (error) failed(new Error(error.message)); else done(result);
    } else this.tabs.get(sessionId)?.hear(method, params);
  }

  send(method, params = {}, sessionId = undefined) {
    const id = this.last += 1;
    this.process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((done, failed) => this.waiting.set(id, { done, failed }));
  }

  async tab() {
    // Each has cookies and storage of its own, as a window of somebody else.
    const { browserContextId } = await this.send('Target.createBrowserContext');
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank', browserContextId });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const tab = new Tab(this, sessionId);
    this.tabs.set(sessionId, tab);
    for (const domain of ['Page', 'Runtime', 'Log', 'Network', 'Accessibility']) await tab.send(`${domain}.enable`);
    await tab.size(1280, 900);
    return tab;
  }

  stop() {
    this.process.kill();
    this.process.once('exit', () => rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 }));
  }
}

class Tab {
  constructor(browser, session) {
    // What went wrong in it, what it executed that asks somebody, and what it asked for with what.
    Object.assign(this, { browser, session, problems: [], dialogs: [], requests: [], bodies: [] });
  }

  send(method, params) {
    return this.browser.send(method, params, this.session);
  }

  hear(method, params) {
    if (method === 'Runtime.exceptionThrown') this.problems.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    if (method === 'Log.entryAdded' && params.entry.level === 'error') this.problems.push(`${params.entry.text} ${params.entry.url ?? ''}`);
    if (method === 'Network.requestWillBeSent') {
      this.requests.push(params.request.url);
      if (params.request.postData) this.bodies.push(params.request.postData);
    }
    if (method === 'Page.javascriptDialogOpening') {
      this.dialogs.push(params.message);
      this.send('Page.handleJavaScriptDialog', { accept: true });
    }
  }

  async size(width, height, mobile = false) {
    await this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: mobile ? 2 : 1, mobile });
  }

  async look(features) {
    await this.send('Emulation.setEmulatedMedia', { features: Object.entries(features).map(([name, value]) => ({ name, value })) });
  }

  async open(url) {
    await this.send('Page.navigate', { url });
    await this.until('document.readyState === "complete"', `${url} is loaded`);
  }

  async value(expression) {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
    return result.value;
  }

  async until(expression, what = expression, patience = 20_000) {
    for (const end = Date.now() + patience; Date.now() < end;) {
      if (await this.value(expression).catch(() => false)) return;
      await new Promise(done => setTimeout(done, 50));
    }
    throw new Error(`not within ${patience} ms: ${what}\n${this.problems.join('\n')}\n${await this.value('document.body.innerText')}`);
  }

  text(selector) {
    return this.value(`document.querySelector(${JSON.stringify(selector)})?.innerText ?? null`);
  }

  // A click of the mouse where the element is: what covers it takes it.
  async click(selector) {
    const found = `document.querySelector(${JSON.stringify(selector)})`;
    await this.until(`!!${found}`, selector);
    const { x, y } = await this.value(`(() => { const it = ${found}; it.scrollIntoView({ block: 'center' }); const { left, top, width, height } = it.getBoundingClientRect(); return { x: left + width / 2, y: top + height / 2 }; })()`);
    for (const type of ['mousePressed', 'mouseReleased']) {
      await this.send('Input.dispatchMouseEvent', { type, x, y, button: 'left', clickCount: 1 });
    }
  }

  async type(text) {
    await this.send('Input.insertText', { text });
  }

  async press(key, modifiers = 0) {
    const codes = { Enter: 13, Escape: 27, Tab: 9, '/': 191 };
    const text = key === 'Enter' ? '\r' : key.length === 1 ? key : undefined;
    for (const type of ['keyDown', 'keyUp']) {
      await this.send('Input.dispatchKeyEvent', { type, key, code: key, windowsVirtualKeyCode: codes[key] ?? key.charCodeAt(0), modifiers, text: type === 'keyDown' ? text : undefined });
    }
  }

  async picture(file) {
    await new Promise(done => setTimeout(done, 300));
    const { data } = await this.send('Page.captureScreenshot', { format: 'png' });
    writeFileSync(file, Buffer.from(data, 'base64'));
  }
}
