// A question and its answer on the page.

const NO_ANSWER = {
  nothing_found: 'Nothing was found in the documents.',
  refused: 'The documents do not answer this.',
  empty: 'The model wrote nothing.',
  uncited: 'The text above cites none of the passages: do not rely on it.',
};
const seconds = ms => ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
// Without the heading, which is above it.
const snippet = text => text.replace(/^#+\s[^\n]*\n+/, '');
const spoken = find('spoken');
const speak = text => { if (text.trim()) spoken.append(element('p', {}, text)); };

class Turn {
  constructor(question, collection, retry) {
    Object.assign(this, { question, collection, retry, text: '', passages: [], citations: new Map(), told: 0, done: null, drawing: false });
    const heading = `turn-${Turn.made = (Turn.made ?? 0) + 1}`;
    this.progress = element('p', { class: 'progress busy' }, 'Looking for passages');
    this.answer = element('div', { class: 'answer', lang: '', dir: 'auto', 'aria-busy': 'true' });
    this.below = element('div');
    this.article = element('article', { 'aria-labelledby': heading },
      element('h2', { class: 'question', id: heading, dir: 'auto' }, question), this.progress, this.answer, this.below);
    this.element = element('li', { class: 'turn' }, this.article);
  }

  on(event) {
    switch (event.event) {
      case 'asking':
        this.queries = event.queries;
        break;
      case 'retrieved': {
        this.passages = event.passages;
        const documents = new Set(event.passages.map(passage => passage.source)).size;
        this.progress.textContent = event.passages.length
          ? `Reading ${counted(event.passages.length, 'passage')} of ${counted(documents, 'document')}` : 'Nothing was found';
        break;
      }
      case 'delta':
        this.text += event.mark === undefined ? withoutMarks(event.text) : markText(event.mark);
        this.progress.textContent = 'Answering';
        this.draw();
        break;
      case 'retracted':
        this.text = '';
        this.told = 0;
        this.draw();
        break;
      case 'citation':
        this.citations.set(event.passage, event);
        break;
      case 'done':
        this.finish(event);
        break;
      default:
        if (event.error) throw new Refused(500, event);
    }
  }

  // At most once a frame.
  draw() {
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      if (!this.done) { this.redraw(); this.say(false); }
    });
  }

  redraw() {
    this.answer.replaceChildren(...blocks(this.text, number => this.mark(number)));
  }

  // Text for screen readers: whole sentences.
  say(all) {
    const rest = this.text.slice(this.told);
    const end = all ? rest.length : [...rest.matchAll(/[.!?:][\s\n]+/g)].map(found => found.index + found[0].length).at(-1) ?? 0;
    if (end > 0) speak(spokenMarks(rest.slice(0, end)));
    this.told += end;
  }

  passage(number) {
    return this.passages.find(passage => passage.passage === number);
  }

  open(number, opener) {
    const passage = this.passage(number), citation = this.citations.get(number);
    if (passage) reader.open(passage, { collection: this.collection, quote: citation?.quote, lacks: citation?.unsupported, opener });
  }

  mark(number) {
    const passage = this.passage(number), citation = this.citations.get(number);
    if (!passage) return element('span', { class: 'cite unsure', title: 'There is no such passage' }, String(number));
    const unsure = citation && !citation.verified;
    const label = `Source ${number}: ${passage.citation}${unsure ? ', does not support this' : ''}`;
    return element('button', {
      class: unsure ? 'cite unsure' : 'cite', type: 'button', 'aria-label': shown(label), title: shown(passage.citation),
      'aria-expanded': 'false', 'aria-controls': 'reader', onclick: event => this.open(number, event.currentTarget),
    }, String(number));
  }

  // A button that opens a passage.
  card(passage, { number, words, badge, unsure }) {
    const path = passage.headings?.length ? passage.headings.join(' › ') : passage.title;
    const quote = number === undefined ? undefined : this.citations.get(number)?.quote;
    return element('li', {}, element('button', {
      class: 'passage', type: 'button', 'aria-expanded': 'false', 'aria-controls': 'reader',
      onclick: event => (number !== undefined && this.passage(number)
        ? this.open(number, event.currentTarget)
        : reader.open(passage, { collection: this.collection, opener: event.currentTarget })),
    },
    element('span', { class: 'number' }, number === undefined ? '' : String(number)),
    element('span', { class: 'name', lang: '', dir: 'auto' }, path || passage.source.split('/').at(-1)),
    badge ? element('span', { class: unsure ? 'badge unsure' : 'badge' }, badge) : null,
    element('span', { class: 'where' }, passage.citation),
    words === null ? null : element('span', { class: 'words', lang: '', dir: 'auto' }, words ?? quote ?? snippet(passage.text))));
  }

  finish(done) {
    this.done = done;
    this.passages = done.passages;
    for (const citation of done.citations) this.citations.set(citation.passage, citation);
    this.redraw();
    this.say(true);
    this.settle('');
    if (done.no_answer) {
      this.answer.append(element('p', { class: 'none' }, NO_ANSWER[done.no_answer_reason] ?? 'There is no answer.'));
      speak(NO_ANSWER[done.no_answer_reason] ?? '');
    }
    this.warnings(done);
    if (done.citations.length) this.sources('Sources', done.citations.map(citation => this.card(this.passage(citation.passage) ?? citation, {
      number: citation.passage, badge: citation.verified ? '✓ verified' : 'not verified', unsure: !citation.verified,
    })));
    if (done.nearest.length) this.sources('Nearest passages', done.nearest.slice(0, 5).map(passage => this.card(passage, {})));
    if (done.passages.length) this.below.append(this.retrieved(done), this.why(done));
    this.below.append(this.facts(done));
    const warned = this.below.querySelectorAll('.warnings li').length;
    speak(`${counted(done.citations.length, 'source')}.${warned ? ` ${counted(warned, 'warning')}.` : ''}`);
    // The answer is shown above; here it would appear twice.
    const said = [...spoken.children];
    setTimeout(() => said.forEach(text => text.remove()), 30_000);
  }

  settle(text) {
    this.progress.classList.remove('busy');
    this.progress.textContent = text;
    this.progress.hidden = !text;
    this.answer.removeAttribute('aria-busy');
  }

  warnings(done) {
    const said = [
      ...done.citations.filter(citation => !citation.verified).map(({ passage, unsupported }) =>
        unsupported.length ? `Source ${passage} does not say ${unsupported.map(words => `“${words}”`).join(', ')}.` : `Source ${passage} does not support what it is cited for.`),
      ...done.invalid_citations.map(number => `The answer cites ${number}, and there is no such passage.`),
      ...done.uncited_sentences.map(sentence => `No source is given for: “${sentence}”`),
      ...(done.incomplete ? ['The answer was cut short.'] : []),
    ];
    if (said.length) this.below.append(element('ul', { class: 'warnings', 'aria-label': 'Warnings' }, said.map(text => element('li', {}, text))));
  }

  sources(title, cards) {
    this.below.append(element('section', { class: 'sources' }, element('h3', {}, title), element('ol', {}, cards)));
  }

  retrieved(done) {
    const best = Math.max(...done.passages.map(passage => passage.score), 1e-9);
    const rows = done.passages.map(passage => {
      const item = this.card(passage, { number: passage.passage, words: snippet(passage.text), badge: passage.score.toFixed(2) });
      const bar = element('span', { class: 'score', 'aria-hidden': 'true' });
      bar.style.setProperty('--part', Math.max(0, passage.score / best).toFixed(3));
      item.querySelector('.badge').prepend(bar);
      return item;
    });
    return element('details', { class: 'retrieved' },
      element('summary', {}, `The answer was made from ${counted(done.passages.length, 'passage')}, found in ${seconds(done.retrieved_ms)}`),
      element('section', { class: 'sources' }, element('ol', {}, rows)));
  }

  why(done) {
    const box = element('div', {}, element('p', { class: 'legend' }, 'Looking again'));
    let asked = false;
    const load = async () => {
      asked = true;
      try {
        const query = done.queries[0] ?? done.question;
        const { hits, mode } = await askJson('v1/docent/search', { body: { question: query, collection: this.collection, k: 20 } });
        box.replaceChildren(...this.ranks(hits, mode, query));
      } catch (error) {
        asked = false;
        box.replaceChildren(element('p', { class: 'legend' }, `The ranks could not be read: ${error.message}`));
      }
    };
    return element('details', { class: 'why', ontoggle: event => { if (event.currentTarget.open && !asked) load(); } },
      element('summary', {}, 'Why these: the rank of each by words, by meaning and together'), box);
  }

  ranks(hits, mode, query) {
    const legs = [['sparse', 'Words', 'BM25'], ['dense', 'Meaning', 'cosine'], ['late', 'Word by word', 'mean cosine'], ['rerank', 'Reranker', 'score']]
      .filter(([leg]) => hits.some(hit => hit[leg]));
    const folder = ({ source }) => source.slice(0, source.lastIndexOf('/') + 1);
    const cell = score => element('td', {}, score ? `#${score.rank} · ${score.score.toFixed(2)}` : '–');
    const given = hit => this.done.passages.some(passage => passage.source === hit.source
      && overlap(placeOf(fragmentOf(passage.citation, passage.source)), placeOf(fragmentOf(hit.citation, hit.source))));
    const row = hit => element('tr', {},
      element('td', {}, String(hit.rank)),
      element('td', {}, given(hit) ? '✓' : ''),
      element('td', {}, element('button', {
        class: 'link', type: 'button', 'aria-controls': 'reader',
        onclick: event => reader.open(hit, { collection: this.collection, opener: event.currentTarget }),
      }, hit.citation.slice(folder(hit).length)), folder(hit) ? element('span', { class: 'where' }, folder(hit)) : null),
      element('td', {}, hit.score.toFixed(2)), legs.map(([leg]) => cell(hit[leg])));
    return [
      element('p', { class: 'legend' }, `Asked: “${query}” (${mode}). Each column has the rank and the score of a chunk by one method; the column Score combines them. ✓: the answer was made from it.`),
      element('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Ranks and scores' }, element('table', {},
        element('thead', {}, element('tr', {}, [['', '#'], ['', 'Given'], ['', 'Chunk'], ['', 'Score'], ...legs].map(([, name, unit]) =>
          element('th', { scope: 'col' }, name, unit ? element('span', { class: 'where' }, unit) : null)))),
        element('tbody', {}, hits.map(row)))),
    ];
  }

  facts(done) {
    const copy = element('button', { class: 'link', type: 'button', onclick: async () => {
      await navigator.clipboard.writeText(done.answer).then(() => { copy.textContent = 'Copied'; }, () => { copy.textContent = 'Not copied'; });
    } }, 'Copy the answer');
    const tokens = (done.usage.prompt_tokens ?? 0) + (done.usage.completion_tokens ?? 0);
    return element('p', { class: 'facts' },
      element('span', {}, done.model === 'extractive' ? 'quoted, without a model' : done.model),
      element('span', {}, seconds(done.elapsed_ms)),
      tokens ? element('span', {}, counted(tokens, 'token')) : null,
      element('span', {}, `${done.collection}@v${done.version}`),
      done.answer && navigator.clipboard ? copy : null,
      element('code', { title: 'docent trace show finds the record of the answer by this id' }, done.answer_id));
  }

  stopped() {
    this.redraw();
    this.settle('Stopped. This text was not checked.');
    speak('Stopped.');
  }

  fail(error) {
    this.redraw();
    this.settle('');
    const lines = [sentence(error.message), ...(error.hints ?? []), ...(error.request ? [`Request ${error.request}`] : [])];
    this.below.append(element('div', { class: 'trouble', role: 'alert' }, lines.map(line => element('p', {}, line)),
      element('button', { type: 'button', onclick: () => { this.element.remove(); this.retry(this.question); } }, 'Ask again')));
  }
}

