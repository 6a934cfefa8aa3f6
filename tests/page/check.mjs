// The page of `docent serve` in a real Chromium: node tests/page/check.mjs [folder for pictures]
// Needs Node 20, `chromium` and a release build; CHROMIUM and DOCENT name other ones.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Chromium } from './chromium.mjs';
import { Docent, model } from './server.mjs';

const pictures = process.argv[2] ?? 'target/page';
mkdirSync(pictures, { recursive: true });
const picture = (tab, name) => tab.picture(join(pictures, `${name}.png`));

const docent = new Docent();
const chat = await model();
const chromium = Chromium.start();

const QUESTION = 'How long are ledger backups kept, and who may restore one?';
const SETTLED = 'document.querySelector(".turn:last-child .facts") !== null';

async function put(tab, question) {
  await tab.click('#question');
  await tab.type(question);
  await tab.press('Enter');
}

async function answered(url, question, tab) {
  tab ??= await chromium.tab();
  await tab.open(url);
  await tab.until('document.querySelector("#state h4") !== null', 'what is stored');
  await put(tab, question);
  await tab.until(SETTLED, `an answer to: ${question}`);
  return tab;
}

// Nothing went wrong, nothing was executed, and nothing was asked of anybody else.
function quiet(tab, url, but = []) {
  assert.deepEqual(tab.problems.filter(problem => !but.some(known => problem.includes(known))), []);
  assert.deepEqual(tab.dialogs, []);
  const others = tab.requests.filter(asked => !asked.startsWith(url) && !asked.startsWith('data:') && asked !== 'about:blank');
  assert.deepEqual(others, []);
}

const scripts = {
  // As `Locator::overlaps` of docent has it.
  'places that overlap'() {
    const source = readFileSync(new URL('../../src/serve/page/place.js', import.meta.url), 'utf8');
    const { placeOf, overlap } = new Function(`${source}; return { placeOf, overlap };`)();
    for (const [one, other, expected] of [
      ['L12', 'L10-L20', true], ['L12-L21', 'L21-L30', true], ['L12-L21', 'L22', false], ['L3', 'page=3', false],
      ['page=3', 'page=3', true], ['page=3', 'page=4', false], ['page=3', 'page=3&viewrect=0,0,9,9', true],
      ['page=3&viewrect=0,0,9,9', 'page=3&viewrect=8,8,9,9', true], ['page=3&viewrect=0,0,9,9', 'page=3&viewrect=9,0,9,9', false],
      ['para=3-9', 'para=9', true], ['para=3', 'cell=3', false], ['slide=2', 'slide=2', true], ['record=0', 'record=0', true],
      ['sheet=2&rows=4-9', 'sheet=2&rows=9-12', true], ['sheet=2&rows=4-9', 'sheet=1&rows=4-9', false], ['sheet=2&rows=4', 'sheet=2&rows=4', true],
      ['message=3', 'message=3', true], ['message=3', 'message=3&attachment=1', false],
      ['message=3&attachment=1', 'message=3&attachment=1', true], ['message=3&attachment=1', 'message=4&attachment=1', false],
      ['section=4', 'section=4', true], ['t=3,90', 't=89,120', true], ['t=3,90', 't=90,120', false], ['nothing', 'nothing', false], ['', '', false],
    ]) {
      assert.equal(overlap(placeOf(one), placeOf(other)), expected, `${one} and ${other}`);
      assert.equal(overlap(placeOf(other), placeOf(one)), expected, `${other} and ${one}`);
    }
  },

  'lines that a page broke'() {
    const source = readFileSync(new URL('../../src/serve/page/reflow.js', import.meta.url), 'utf8');
    const { reflowed } = new Function(`${source}; return { reflowed };`)();
    const full = 'A line that is as long as a page of paper is wide, or nearly,';
    for (const [text, expected] of [
      [`${full}\ngoes on.`, `${full} goes on.`], ['Short.\nNext.', 'Short.\nNext.'], [`${full}\n\nNext.`, `${full}\n\nNext.`],
      [`${full}\n- item`, `${full}\n- item`], [`${full}\n1. item`, `${full}\n1. item`], [`# ${full}\nText.`, `# ${full}\nText.`],
      [`${full} | b\nc | d`, `${full} | b\nc | d`], [`\`\`\`\n${full}\ncode\n\`\`\``, `\`\`\`\n${full}\ncode\n\`\`\``], [`${full}\n    code`, `${full}\n    code`],
    ]) assert.equal(reflowed(text), expected);
  },
};

const checks = {
  async 'an answer with its sources, and a passage at its place'(url) {
    const tab = await chromium.tab();
    await tab.open(url);
    await tab.until('document.querySelector("#state h4") !== null', 'what is stored');
    await picture(tab, 'welcome-light');
    await put(tab, QUESTION);
    await tab.until(SETTLED, 'an answer');
    assert.match(await tab.text('.answer'), /400 days/);
    assert.match(await tab.text('.answer'), /two operators/);
    assert.equal(await tab.value('document.querySelectorAll(".answer .cite").length'), 2);
    assert.equal(await tab.value('document.querySelectorAll(".turn > article > div > .sources .passage").length'), 2);
    await picture(tab, 'answer-light');
    await tab.click('.answer .cite');
    await tab.until('document.querySelectorAll("#reader-text section").length > 1', 'the passage among its neighbours');
    assert.equal(await tab.text('#reader-text mark'), 'Ledger backups are kept for 400 days');
    assert.equal(await tab.text('#reader-title'), 'Backups');
    assert.equal(await tab.value('document.activeElement.id'), 'reader-title');
    await picture(tab, 'passage-light');
    assert.equal(await tab.value('document.querySelector("#reader-text .here .place").innerText.includes("L12-L21")'), true);
    const { top, bottom, height } = await tab.value('(({ top, bottom }) => ({ top, bottom, height: innerHeight }))(document.querySelector("#reader-text mark").getBoundingClientRect())');
    assert.ok(top > 0 && bottom < height, 'the marked words are in sight');
    await tab.press('Escape');
    await tab.until('!document.querySelector("#reader").open');
    assert.equal(await tab.value('document.activeElement.className'), 'cite');
    for (const [scheme, name] of [['dark', 'dark'], ['light', 'why-light']]) {
      await tab.look({ 'prefers-color-scheme': scheme });
      if (name === 'dark') { await tab.click('.answer .cite:last-of-type'); await tab.until('document.querySelector("#reader-text mark") !== null'); }
      if (name === 'why-light') {
        await tab.press('Escape');
        await tab.click('.retrieved summary');
        await tab.click('.why summary');
        await tab.until('document.querySelectorAll(".why tbody tr").length > 5', 'ranks');
        await tab.value('document.querySelector(".why").scrollIntoView({ block: "center" })');
      }
      await picture(tab, name);
    }
    quiet(tab, url);
  },

  async 'the link of a citation opens the document there'(url) {
    const tab = await answered(url, QUESTION);
    await tab.click('.answer .cite');
    await tab.until('document.querySelectorAll("#reader-text section").length > 1');
    const href = await tab.value('document.querySelector("#reader-links a").href');
    assert.match(href, /s\/docent\/sample-docs\/handbook\/backups\.md#L12-L21:~:text=Ledger/);
    for (const [link, here] of [
      [href, ['L12-L21']],
      [`${url}s/docent/sample-docs/handbook/backups.md#L15-L25`, ['L12-L21', 'L23-L30']],
      [`${url}s/docent/sample-docs/policies/restore.pdf#page=3`, ['page=3']],
      [`${url}s/docent/sample-docs/policies/data-retention.docx#para=5`, null],
      [`${url}s/docent/sample-docs/prices.csv#L150`, null],
      [`${url}s/docent/sample-docs/handbook/backups.md#nothing`, []],
    ]) {
      await tab.open('about:blank');
      await tab.open(link);
      const places = await tab.value('[...document.querySelectorAll("section.here")].map(section => section.dataset.place)');
      if (here) assert.deepEqual([...new Set(places)], here, link);
      else assert.ok(places.length >= 1, link);
      const inSight = '(top => top >= 0 && top < innerHeight)(document.querySelector(".here").getBoundingClientRect().top)';
      if (places.length) await tab.until(inSight, `${link} is in sight`, 3000);
      if (link === href) await picture(tab, 'document-light');
    }
    await tab.look({ 'prefers-color-scheme': 'dark' });
    await tab.open(`${url}s/docent/sample-docs/handbook/backups.md#L23-L30`);
    await picture(tab, 'document-dark');
    quiet(tab, url);
  },

  async 'a hostile document is text'(url) {
    const tab = await answered(url, 'What is the zebra quota?');
    assert.match(await tab.text('.answer'), /77 crates/);
    await tab.click('.retrieved summary');
    await tab.click('.sources .passage');
    await tab.until('document.querySelectorAll("#reader-text section").length > 0');
    const text = await tab.text('#reader-text');
    for (const part of ["<script>alert('script')</script>", '⟨U+001B⟩[31m', '⟨U+202E⟩gpj.exe']) assert.ok(text.includes(part), text);
    await picture(tab, 'hostile');
    assert.equal(await tab.value('document.querySelectorAll("img, svg, iframe, object").length'), 0);
    quiet(tab, url);
    await tab.open(`${url}s/docent/sample-docs/hostile.md#L1`);
    const shown = await tab.text('main');
    for (const part of ["<script>alert('script')</script>", '⟨U+001B⟩[31m', '⟨U+202E⟩gpj.exe']) assert.ok(shown.includes(part), shown);
    assert.equal(await tab.value('document.querySelectorAll("img, svg, iframe, object, main script").length'), 0);
    assert.equal(await tab.value('try { document.body.innerHTML = "<b>x</b>"; "set" } catch (error) { error.name }'), 'TypeError');
    quiet(tab, url, ['TrustedHTML', 'Trusted']);
  },

  async 'nothing that answers'(url) {
    const tab = await answered(url, 'Xylophone quasar brontosaurus marmalade?');
    assert.notEqual(await tab.text('.answer .none'), null);
    await picture(tab, 'no-answer');
    quiet(tab, url);
  },

  async 'a phone, with reduced motion'(url) {
    const tab = await chromium.tab();
    await tab.size(390, 844, true);
    await tab.look({ 'prefers-reduced-motion': 'reduce' });
    await answered(url, QUESTION, tab);
    await picture(tab, 'phone');
    assert.ok(await tab.value('document.documentElement.scrollWidth <= innerWidth'), 'nothing is wider than the screen');
    await tab.click('.answer .cite');
    await tab.until('document.querySelector("#reader-text mark") !== null');
    assert.equal(await tab.value('document.querySelector("#reader").matches(":modal")'), true);
    await picture(tab, 'phone-passage');
    await tab.press('Escape');
    await tab.until('!document.querySelector("#reader").open');
    await tab.look({ 'prefers-color-scheme': 'dark' });
    await tab.click('.why summary');
    await tab.until('document.querySelectorAll(".why tbody tr").length > 5', 'ranks');
    assert.ok(await tab.value('document.documentElement.scrollWidth <= innerWidth'), 'nothing is wider than the screen');
    await picture(tab, 'phone-why-dark');
    await tab.size(320, 568, true);
    assert.ok(await tab.value('document.documentElement.scrollWidth <= innerWidth'), 'nothing is wider than the smallest screen');
    quiet(tab, url);
  },

  async 'without a mouse, and without eyes'(url) {
    const tab = await answered(url, QUESTION);
    await tab.value('document.activeElement.blur()');
    await tab.press('/');
    assert.equal(await tab.value('document.activeElement.id'), 'question');
    const { nodes } = await tab.send('Accessibility.getFullAXTree');
    const named = role => nodes.filter(node => !node.ignored && node.role?.value === role).map(node => node.name?.value);
    assert.deepEqual(nodes.filter(node => !node.ignored && ['button', 'textbox', 'link', 'combobox'].includes(node.role?.value) && !node.name?.value).map(node => node.role.value), []);
    assert.ok(named('button').some(name => name.startsWith('Source 1: sample-docs/handbook/backups.md:L12-L21')), named('button').join('; '));
    assert.ok(named('heading').includes(QUESTION));
    assert.ok(named('textbox').includes('Your question'));
    assert.match(await tab.value('document.querySelector("#spoken").textContent'), /400 days, source 1\..*2 sources\./s);
    assert.equal(await tab.value('document.querySelector("#spoken").getAttribute("aria-live")'), 'polite');
    // From the first link on, all that can be used is reached, and shows that it is.
    await tab.value('scrollTo(0, 0); document.querySelector(".skip").focus()');
    const reached = new Set();
    for (let step = 0; step < 40; step += 1) {
      await tab.press('Tab');
      const [what, seen] = await tab.value('(it => [it.className || it.id || it.tagName, getComputedStyle(it).outlineStyle !== "none" || it.closest(".field") !== null])(document.activeElement)');
      if (what !== 'BODY' && !what.startsWith('skip')) assert.ok(seen, `the focus shows on ${what}`);
      reached.add(what);
    }
    for (const what of ['cite', 'passage', 'SUMMARY', 'question', 'ask', 'link']) assert.ok(reached.has(what), `${what}: ${[...reached]}`);
    quiet(tab, url);
  },
};

const withModel = {
  async 'what is not borne out is shown'(url) {
    const tab = await answered(url, 'unsupported: how long are ledger backups kept?');
    const warnings = await tab.text('.warnings');
    assert.match(warnings, /does not say .*“9,?000”/);
    assert.match(warnings, /No source is given for: “Nobody has ever counted/);
    assert.ok(await tab.value('document.querySelector(".answer .cite.unsure") !== null'));
    await picture(tab, 'warnings');
    quiet(tab, url);
  },

  async 'Markdown is shown, and leads nowhere'(url) {
    const tab = await answered(url, 'markdown: how long are ledger backups kept?');
    for (const tag of ['h4', 'ul li', 'table td', 'pre', 'code', 'button.cite']) assert.ok(await tab.value(`document.querySelector(".answer ${tag}") !== null`), tag);
    assert.equal(await tab.value('document.querySelectorAll(".answer a, .answer img, .answer b").length'), 0);
    await picture(tab, 'markdown');
    quiet(tab, url);
  },

  async 'what a model did wrong is told, and asked again'(url) {
    const tab = await chromium.tab();
    await tab.open(url);
    chat.refuses = true;
    await put(tab, 'markdown: how long are ledger backups kept?');
    await tab.until('document.querySelector(".trouble") !== null', 'what went wrong');
    assert.match(await tab.text('.trouble'), /Request req_/);
    await picture(tab, 'trouble');
    chat.refuses = false;
    await tab.click('.trouble button');
    await tab.until(SETTLED);
    assert.equal(await tab.value('document.querySelectorAll(".turn").length'), 1);
    // What was said goes along with what is asked next.
    await put(tab, 'markdown: and those of staging?');
    await tab.until('document.querySelectorAll(".turn .facts").length === 2');
    const { history } = JSON.parse(tab.bodies.at(-1));
    assert.deepEqual(history.map(({ question }) => question), ['markdown: how long are ledger backups kept?']);
    assert.match(history[0].answer, /400 days/);
    quiet(tab, url);
  },

  async 'an answer can be stopped, and the talk goes on'(url) {
    const tab = await chromium.tab();
    await tab.open(url);
    await put(tab, 'slowly please: backups');
    await tab.until('document.querySelector(".answer").innerText.length > 60', 'a part of the answer');
    await picture(tab, 'streaming');
    const before = chat.left;
    await tab.click('#stop');
    await tab.until('document.querySelector(".progress").innerText.startsWith("Stopped")');
    for (const end = Date.now() + 5000; chat.left === before && Date.now() < end;) await new Promise(done => setTimeout(done, 20));
    assert.equal(chat.left, before + 1, 'the model was hung up on');
    await put(tab, 'refuse: how long are moons kept?');
    await tab.until(SETTLED);
    assert.match(await tab.text('.turn:last-child .none'), /do not answer/);
    assert.match(await tab.text('.turn:last-child .sources'), /Nearest passages/i);
    await picture(tab, 'refused');
    quiet(tab, url);
  },
};

const withTwo = {
  async 'a collection is chosen'(url) {
    const tab = await chromium.tab();
    await tab.open(url);
    await tab.until('document.querySelectorAll("#state h4").length === 2', 'what is stored');
    await picture(tab, 'collections');
    assert.equal(await tab.value('document.querySelector("#collection").value'), 'docent', 'the usual one comes first');
    await tab.value('(it => { it.focus(); it.value = "api"; })(document.querySelector("#collection"))');
    await put(tab, 'How long is a production access token valid?');
    await tab.until(SETTLED);
    assert.equal(JSON.parse(tab.bodies.at(-1)).collection, 'api');
    assert.match(await tab.text('.turn .facts'), /api@v1/);
    await tab.click('.answer .cite');
    await tab.until('document.querySelector("#reader-text mark") !== null');
    assert.match(await tab.value('document.querySelector("#reader-links a").href'), /\/s\/api\/sample-docs\/api\/authentication.md#/);
    await tab.press('Escape');
    await tab.click('#summary');
    await tab.until('document.querySelectorAll("#stored:popover-open h4").length === 2', 'what is stored');
    await picture(tab, 'stored');
    quiet(tab, url);
  },
};

const withKeys = {
  async 'a key is asked for, and links open without it'(url, key) {
    const tab = await chromium.tab();
    await tab.open(url);
    await tab.until('document.querySelector("#key").open', 'a question for the key');
    await picture(tab, 'key');
    await tab.type('dk_wrong_wrong');
    await tab.press('Enter');
    await tab.until('document.querySelector("#key-why").innerText.includes("not known")');
    await tab.type(key);
    await tab.press('Enter');
    await tab.until('document.querySelector("#state h4") !== null', 'what is stored');
    await put(tab, QUESTION);
    await tab.until(SETTLED);
    assert.equal(await tab.value('sessionStorage.length === 1 && localStorage.length === 0 && document.cookie === ""'), true);
    await tab.click('.answer .cite');
    await tab.until('document.querySelector("#reader-links a").href.includes("signature=")');
    const href = await tab.value('document.querySelector("#reader-links a").href');
    quiet(tab, url, ['401']);
    const other = await chromium.tab();
    await other.open(href);
    assert.equal(await other.text('section.here .place a'), 'L12-L21');
    await other.open(href.replace('backups.md', 'security.md'));
    assert.match(await other.text('main'), /You may not open this/);
    await picture(other, 'link-refused');
    await other.open(href.split('?')[0]);
    assert.match(await other.text('main'), /A key is needed/);
    quiet(other, url, ['401', '403']);
  },
};

let failed = 0;
async function run(checks, ...given) {
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check(...given);
      console.log(`ok      ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED  ${name}\n${error.stack}`);
    }
  }
}

try {
  await run(scripts);
  await run(checks, await docent.serve());
  await run(withModel, await docent.serve([], { OPENAI_BASE_URL: chat.url, DOCENT_MODEL: 'scripted' }));
  docent.run('ingest', '--collection', 'api', 'sample-docs/api');
  await run(withTwo, await docent.serve(['--collections', 'docent,api']));
  const [key] = docent.run('keys', 'create', 'reader', '--keys', 'keys.toml').match(/dk_\S+/);
  await run(withKeys, await docent.serve(['--keys', 'keys.toml']), key);
} finally {
  chromium.stop();
  chat.stop();
  docent.stop();
}
process.exitCode = failed ? 1 : 0;
