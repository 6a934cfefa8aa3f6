// Joins lines of prose that were broken to fit a page, so that they fit another width.
// Each character keeps its position.

const PROSE = new Set(['markdown', 'text', 'rst', 'asciidoc', 'html', 'pdf', 'docx', 'odt', 'rtf', 'epub']);
const FULL = 50;

function reflowed(text) {
  const lines = text.split('\n');
  let whole = lines[0], fenced = false;
  for (let at = 1; at < lines.length; at += 1) {
    const before = lines[at - 1], line = lines[at];
    if (/^\s*(```|~~~)/.test(before)) fenced = !fenced;
    const goesOn = /^[\p{L}\p{N}("'“‘`*_[]/u.test(line) && !/^([*+-]|\d+[.)])\s/.test(line);
    const apart = fenced || before.startsWith('#') || /\||^(```|~~~)/.test(`${before}\n${line}`);
    whole += (goesOn && !apart && before.length >= FULL ? ' ' : '\n') + line;
  }
  return whole;
}

