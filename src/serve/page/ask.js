// The conversation.

const question = find('question'), turns = find('turns'), collection = find('collection');
const talk = [];
let current = null;

const EARLIER = 20;

// Earlier turns about the same collection.
const history = () => talk
  .filter(turn => turn.done && !turn.done.no_answer && turn.collection === chosen())
  .slice(-EARLIER)
  .map(turn => ({ question: turn.question, answer: turn.done.answer }));

const chosen = () => collection.value || undefined;

async function put(text) {
  if (current || !text.trim()) return;
  const stop = new AbortController();
  const body = { question: text.trim(), collection: chosen(), history: history(), stream: true };
  const turn = new Turn(body.question, body.collection, put);
  current = { stop, turn };
  talk.push(turn);
  find('welcome').hidden = true;
  find('anew').hidden = false;
  spoken.replaceChildren();
  speak('Looking for passages.');
  turns.append(turn.element);
  turn.element.scrollIntoView({ block: 'start' });
  under(true);
  try {
    const response = await ask('v1/docent/query', { body, accept: 'text/event-stream', signal: stop.signal });
    for await (const event of events(response)) turn.on(event);
    if (!turn.done) throw new Error('The answer broke off: the connection ended');
  } catch (error) {
    if (stop.signal.aborted) turn.stopped();
    else turn.fail(error instanceof TypeError ? new Error('The server cannot be reached') : error);
  }
  current = null;
  under(false);
}

// Shows whether an answer is in progress.
function under(way) {
  find('ask').hidden = way;
  find('stop').hidden = !way;
}

function anew() {
  current?.stop.abort();
  talk.length = 0;
  turns.replaceChildren();
  reader.close();
  find('anew').hidden = true;
  find('welcome').hidden = false;
  question.focus();
  load();
}

const ago = time => {
  const minutes = Math.max(0, Math.round((Date.now() - Date.parse(time)) / 60_000));
  const words = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
  if (minutes < 60) return words.format(-minutes, 'minute');
  return minutes < 2880 ? words.format(-Math.round(minutes / 60), 'hour') : words.format(-Math.round(minutes / 1440), 'day');
};

// The state of one collection.
function stateOf({ collection: name, version, documents, chunks, changed_at: changed, embedder, unfinished, failures }) {
  const told = [
    `${counted(documents, 'document')}, ${counted(chunks, 'chunk')}`,
    changed ? `changed ${ago(changed)}` : 'empty: docent ingest PATH fills it',
    `version ${version}, embedded by ${embedder.name}`,
  ];
  const attention = [
    ...(unfinished ? ['An ingest is running, or was cut off.'] : []),
    ...(failures ? [`${counted(failures, 'source')} could not be read: docent status`] : []),
  ];
  return element('li', {}, element('h4', {}, name), told.map(text => element('p', {}, text)),
    attention.map(text => element('p', { class: 'attention' }, text)));
}

const states = document.querySelectorAll('.state');

// The collections, and which of them can be asked.
async function load() {
  try {
    const { collections } = await askJson('v1/docent/status');
    const before = collection.value;
    collection.replaceChildren(...collections.map(({ collection: name }) => element('option', { value: name }, name)));
    if (collections.some(({ collection: name }) => name === before)) collection.value = before;
    collection.hidden = collections.length < 2;
    for (const list of states) list.replaceChildren(...collections.map(stateOf));
    const all = collections.reduce((sum, { documents }) => sum + documents, 0);
    find('summary').textContent = collections.length === 1
      ? `${collections[0].collection} · ${counted(all, 'document')}` : counted(all, 'document');
  } catch (error) {
    for (const list of states) {
      list.replaceChildren(element('li', { class: 'attention' },
        element('p', {}, `What is stored could not be read: ${sentence(error.message)}`), (error.hints ?? []).map(hint => element('p', {}, hint))));
    }
  }
}

find('composer').addEventListener('submit', event => {
  event.preventDefault();
  if (current) return;
  const text = question.value;
  question.value = '';
  put(text);
});
question.addEventListener('keydown', event => {
  // During input composition, Enter accepts the letter.
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  find('composer').requestSubmit();
});
addEventListener('keydown', event => {
  const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? '');
  if (event.key === 'Escape' && !find('key').open) {
    if (reader.dialog.open) reader.close();
    else if (!find('stored').matches(':popover-open')) current?.stop.abort();
  } else if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey && !document.querySelector('dialog:modal')) {
    event.preventDefault();
    question.focus();
  }
});
find('stored').addEventListener('toggle', event => { if (event.newState === 'open') load(); });
find('stop').addEventListener('click', () => { current?.stop.abort(); question.focus(); });
find('anew').addEventListener('click', anew);
find('forget').addEventListener('click', () => { key.forget(); find('forget').hidden = true; anew(); });
find('forget').hidden = !key.get();
if (!narrow.matches) question.focus();
load();
