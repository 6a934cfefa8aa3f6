// The opened passage, at its place in its document.

const narrow = matchMedia('(max-width: 68rem)');
const reader = {
  dialog: find('reader'),
  opener: null,
  // Number of the current load; a response with another number belongs to another passage.
  turn: 0,

  // `passage`: as the server sends it, with `source`, `citation`, `title`, `headings`, `text`; `quote`: words
  // of it that a claim rests on; `lacks`: words of the claim that it does not say.
  async open(passage, { collection, quote, lacks = [], opener }) {
    const turn = this.turn += 1;
    this.leave();
    this.opener = opener;
    opener?.setAttribute('aria-expanded', 'true');
    const fragment = fragmentOf(passage.citation, passage.source);
    this.title(passage, fragment, lacks);
    this.links(passage, documentAt(collection, passage.source), fragment, quote);
    const alone = () => this.text([{ ...passage, place: fragment }], fragment, quote, passage.title);
    alone();
    if (!this.dialog.open) {
      if (narrow.matches) this.dialog.showModal(); else this.dialog.show();
      document.body.classList.add('reading');
    }
    find('reader-title').focus({ preventScroll: true });
    try {
      const path = `${documentAt(collection, passage.source)}?around=2&at=${encodeURIComponent(fragment)}`;
      const { chunks, url, record } = await askJson(path);
      if (turn !== this.turn) return;
      const { search } = new URL(url, location.href);
      this.links(passage, documentAt(collection, passage.source) + search, fragment, quote);
      const changed = passage.document_hash && record.document_hash !== passage.document_hash;
      if (changed) this.note('The document has changed since; this is the passage as it was given to the model.');
      else if (chunks.length) this.text(chunks.map(chunk => ({ ...chunk, place: fragmentOf(chunk.citation, chunk.source) })), fragment, quote);
    } catch (error) {
      if (turn === this.turn) this.note(`The document could not be opened: ${error.message}. This is the passage as it was given to the model.`);
    }
  },

  close() {
    if (!this.dialog.open) return;
    this.turn += 1;
    this.dialog.close();
    document.body.classList.remove('reading');
    const { opener } = this;
    this.leave();
    opener?.focus();
  },

  leave() {
    this.opener?.setAttribute('aria-expanded', 'false');
    this.opener = null;
  },

  title({ title, source }, fragment, lacks) {
    find('reader-title').textContent = shown(title || source.split('/').filter(Boolean).at(-1) || source);
    find('reader-source').textContent = shown(`${source} · ${fragment}`);
    find('reader-notes').replaceChildren();
    if (lacks.length) this.note(`Not in this passage, though the answer cites it for it: ${lacks.join(', ')}`);
  },

  note(text) {
    find('reader-notes').append(element('p', { role: 'status' }, text));
  },

  links({ source }, path, fragment, quote) {
    // Browsers with text fragments also mark the words there.
    const words = quote ? `:~:text=${encodeURIComponent(shown(quote)).replace(/-/g, '%2D')}` : '';
    const leads = (href, text) => element('a', { href, target: '_blank', rel: 'noopener noreferrer' }, text);
    find('reader-links').replaceChildren(
      leads(`${path}#${fragment}${words}`, 'Open the whole document'),
      ...(/^https?:\/\//.test(source) ? [leads(source, 'Go to the page itself')] : []),
    );
  },

  text(chunks, fragment, quote) {
    const place = placeOf(fragment);
    const sections = chunks.map(chunk => {
      const here = chunks.length === 1 || overlap(place, placeOf(chunk.place));
      const headings = chunk.headings?.length ? element('span', { class: 'path', lang: '', dir: 'auto' }, chunk.headings.join(' › ')) : null;
      return element('section', { class: here ? 'here' : 'near', 'aria-current': here ? 'location' : null },
        element('p', { class: 'place' }, element('span', {}, chunk.place), headings),
        element('div', { class: chunk.kind === 'code' ? 'text code' : 'text', lang: '', dir: 'auto' }, ...marked(PROSE.has(chunk.kind) ? reflowed(chunk.text) : chunk.text, here && quote)));
    });
    const box = find('reader-text');
    box.replaceChildren(...sections);
    const target = box.querySelector('mark') ?? box.querySelector('.here');
    const middle = target?.tagName === 'MARK' ? box.clientHeight / 3 : 16;
    if (target) box.scrollTop += target.getBoundingClientRect().top - box.getBoundingClientRect().top - middle;
  },
};

find('reader-close').addEventListener('click', () => reader.close());
// For a modal dialog the browser handles Escape.
reader.dialog.addEventListener('cancel', event => { event.preventDefault(); reader.close(); });
reader.dialog.addEventListener('click', event => { if (event.target === reader.dialog && reader.dialog.matches(':modal')) reader.close(); });

