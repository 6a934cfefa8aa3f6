// Turns text into nodes. No text becomes markup here.

// Characters that control a terminal or change the direction of text are replaced by their names, and
// invisible ones are left out, as `escaped` of the server does.
const DIRECTS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]|[\u{e0000}-\u{e007f}]/gu;
const UNSEEN = /[\u00ad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b\u200e\u200f\u2028\u2029\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]/gu;
const shown = text => String(text)
  .replace(/\r/g, '')
  .replace(DIRECTS, c => `⟨U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`)
  .replace(UNSEEN, '');

// An element; children that are not nodes become text.
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.flat().filter(child => child !== null && child !== undefined)
    .map(child => child instanceof Node ? child : document.createTextNode(shown(child))));
  return made;
}

const sentence = text => `${text[0].toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
const find = id => document.getElementById(id);
const counted = (count, what) => `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;

// The characters of a text that are compared, with their positions: runs of space count as one, marks of
// emphasis are left out, and all kinds of quotation marks and dashes are equal.
function compared(text) {
  const signs = [], places = [];
  for (let at = 0; at < text.length; at += 1) {
    let sign = text[at];
    if (/[*_`]/.test(sign)) continue;
    if (/\s/.test(sign)) sign = ' ';
    else if (/[\u2018\u2019\u201a\u2032]/.test(sign)) sign = "'";
    else if (/[\u201c\u201d\u201e\u00ab\u00bb]/.test(sign)) sign = '"';
    else if (/[\u2010-\u2015\u2212]/.test(sign)) sign = '-';
    if (sign === ' ' && (signs.length === 0 || signs.at(-1) === ' ')) continue;
    signs.push(sign.toLowerCase()[0] ?? sign);
    places.push(at);
  }
  return { signs: signs.join(''), places };
}

// The position of words in a text: `[from, to]`; null if they do not appear.
function whereIs(words, text) {
  const sought = compared(words).signs.trim();
  if (!sought) return null;
  const { signs, places } = compared(text);
  const at = signs.indexOf(sought);
  return at < 0 ? null : [places[at], places[at + sought.length - 1] + 1];
}

// A text with some of its words marked.
function marked(text, words) {
  text = shown(text);
  const found = words ? whereIs(shown(words), text) : null;
  if (!found) return [text];
  const [from, to] = found;
  return [text.slice(0, from), element('mark', {}, text.slice(from, to)), text.slice(to)];
}

// Stands for a citation mark while a text is parsed: no document can contain one.
const OPEN = '\ue000', CLOSE = '\ue001';
const markText = number => `${OPEN}${number}${CLOSE}`;
const withoutMarks = text => text.replace(/[\ue000\ue001]/g, '');
const spokenMarks = text => text.replace(/\s*\ue000(\d+)\ue001/g, ', source $1');

const INLINE = /\ue000(\d+)\ue001|`([^`\n]+)`|\*\*([^*\n]+(?:\*[^*\n]+)*)\*\*|\*([^*\s][^*\n]*)\*|(?<![\w_])_([^_\s][^_\n]*)_(?![\w_])|!?\[([^\]\n]+)\]\(([^()\s]+)\)/g;

// One line of a text: emphasis, code, and the marks, made by `cite`. Links stay text: an answer sends
// nobody anywhere.
function inline(text, cite) {
  const nodes = [];
  let done = 0;
  for (const found of text.matchAll(INLINE)) {
    const before = shown(text.slice(done, found.index));
    nodes.push(found[1] ? before.trimEnd() : before);
    done = found.index + found[0].length;
    const [, number, code, strong, em, under, label, url] = found;
    if (number) nodes.push(cite(Number(number)));
    else if (code) nodes.push(element('code', {}, code));
    else if (strong) nodes.push(element('strong', {}, inline(strong, cite)));
    else if (em ?? under) nodes.push(element('em', {}, inline(em ?? under, cite)));
    else nodes.push(`${label} (${url})`);
  }
  nodes.push(shown(text.slice(done)));
  return nodes.filter(node => node !== '');
}

const ITEM = /^(\s*)(?:[-*+•]|(\d{1,3})[.)])\s+(.*)$/;
const cells = line => line.trim().replace(/^\||\|$/g, '').split('|').map(cell => cell.trim());

// The blocks of a text in the subset of Markdown that answers use.
function blocks(text, cite) {
  const lines = text.split('\n'), made = [];
  let at = 0;
  const ends = line => !line.trim() || /^\s*(```|#{1,6}\s|>)/.test(line) || ITEM.test(line);
  while (at < lines.length) {
    const line = lines[at];
    if (!line.trim()) { at += 1; continue; }
    const fence = line.match(/^\s*(```+|~~~+)/);
    if (fence) {
      const code = [];
      for (at += 1; at < lines.length && !lines[at].trim().startsWith(fence[1]); at += 1) code.push(lines[at]);
      at += 1;
      made.push(element('pre', { tabindex: 0 }, element('code', {}, inlineMarks(code.join('\n'), cite))));
      continue;
    }
    const heading = line.match(/^\s*#{1,6}\s+(.*?)\s*#*$/);
    if (heading) { made.push(element('h4', {}, inline(heading[1], cite))); at += 1; continue; }
    if (/^\s*\|/.test(line) && /^\s*\|[\s:|-]+$/.test(lines[at + 1] ?? '')) {
      const rows = [];
      for (; at < lines.length && /^\s*\|/.test(lines[at]); at += 1) rows.push(cells(lines[at]));
      const row = (tag, values) => element('tr', {}, values.map(value => element(tag, {}, inline(value, cite))));
      made.push(element('div', { class: 'scroll', tabindex: 0 }, element('table', {},
        element('thead', {}, row('th', rows[0])), element('tbody', {}, rows.slice(2).map(values => row('td', values))))));
      continue;
    }
    if (ITEM.test(line)) {
      const items = [];
      for (; at < lines.length; at += 1) {
        const item = lines[at].match(ITEM);
        if (item) items.push({ depth: item[1].length, number: item[2], text: item[3] });
        else if (lines[at].trim() && /^\s{2,}/.test(lines[at])) items.at(-1).text += `\n${lines[at].trim()}`;
        else if (lines[at].trim() || !ITEM.test(lines[at + 1] ?? '')) break;
      }
      made.push(list(items, cite));
      continue;
    }
    const quoted = /^\s*>/.test(line), paragraph = [line];
    for (at += 1; at < lines.length && (quoted ? /^\s*>/.test(lines[at]) : !ends(lines[at])); at += 1) paragraph.push(lines[at]);
    if (quoted) made.push(element('blockquote', {}, blocks(paragraph.map(text => text.replace(/^\s*>\s?/, '')).join('\n'), cite)));
    else made.push(element('p', {}, inline(paragraph.join('\n'), cite)));
  }
  return made;
}

// In code only the citation marks count.
const inlineMarks = (text, cite) => text.split(/(\ue000\d+\ue001)/).map(part =>
  part.startsWith(OPEN) ? cite(Number(part.slice(1, -1))) : shown(part));

function list(items, cite) {
  const [{ depth, number }] = items;
  const made = element(number ? 'ol' : 'ul', number && number !== '1' ? { start: number } : {});
  for (let at = 0; at < items.length;) {
    const own = items[at];
    const inner = [];
    for (at += 1; at < items.length && items[at].depth > depth + 1; at += 1) inner.push(items[at]);
    made.append(element('li', {}, inline(own.text, cite), inner.length ? list(inner, cite) : null));
  }
  return made;
}

