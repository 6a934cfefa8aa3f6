// Requests to the server that the page comes from.

const KEY = 'docent-key';
const key = {
  get: () => { try { return sessionStorage.getItem(KEY); } catch { return key.here; } },
  set: value => { key.here = value; try { sessionStorage.setItem(KEY, value); } catch { /* The key then lasts for this page. */ } },
  forget: () => { key.here = null; try { sessionStorage.removeItem(KEY); } catch { /* There is none. */ } },
  here: null,
};

// Why the server refused a request.
class Refused extends Error {
  constructor(status, body) {
    const error = body?.error ?? {};
    super(error.message || `the server answered ${status}`);
    this.status = status;
    this.code = error.code;
    this.hints = [error.docent?.hint, ...(error.docent?.causes ?? [])].filter(Boolean);
    this.request = error.docent?.request_id;
  }
}

// Asks the user for the key; false if none is given.
function askForKey(refused) {
  const dialog = find('key'), value = find('key-value'), form = find('key-form');
  find('key-why').textContent = shown(refused.code === 'missing_api_key'
    ? 'The operator of this server can give you one. It stays in this tab until you close it.'
    : `${refused.message}. Try another one.`);
  value.value = '';
  dialog.showModal();
  value.focus();
  return new Promise(done => {
    const end = took => {
      form.removeEventListener('submit', submit);
      dialog.removeEventListener('close', close);
      dialog.close();
      done(took);
    };
    const close = () => end(false);
    const submit = event => {
      event.preventDefault();
      key.set(value.value.trim());
      find('forget').hidden = false;
      end(true);
    };
    find('key-cancel').onclick = close;
    form.addEventListener('submit', submit);
    dialog.addEventListener('close', close);
  });
}

let asking = null;

// A successful response; asks for a key if one is needed.
async function ask(path, { body, accept = 'application/json', signal } = {}) {
  for (;;) {
    const used = key.get();
    const headers = { accept };
    if (body) headers['content-type'] = 'application/json';
    if (used) headers.authorization = `Bearer ${used}`;
    const response = await fetch(path, {
      method: body ? 'POST' : 'GET', headers, signal, cache: 'no-store', redirect: 'error',
      body: body && JSON.stringify(body),
    });
    if (response.ok) return response;
    const refused = new Refused(response.status, await response.json().catch(() => null));
    if (refused.status !== 401) throw refused;
    // Another request may have asked for it meanwhile.
    if (key.get() === used) {
      asking ??= askForKey(refused).finally(() => { asking = null; });
      if (!await asking) throw refused;
    }
  }
}

const askJson = async (path, options) => (await ask(path, options)).json();

// The events of a response as they arrive.
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const frames = (rest + value).split('\n\n');
      rest = frames.pop();
      for (const frame of frames) {
        const data = frame.split('\n').filter(line => line.startsWith('data:')).map(line => line.slice(5).trimStart()).join('\n');
        if (data) yield JSON.parse(data);
      }
    }
  } finally {
    reader.cancel().catch(() => { /* It has ended. */ });
  }
}

// The URL of a document's stored text.
const inPath = text => text.split('/').map(encodeURIComponent).join('/').replace(/^\//, '%2F');
const documentAt = (collection, source) => `s/${inPath(collection)}/${inPath(source)}`;

