// The clients for JavaScript, unmodified, against a docent that serves sample-docs without a model.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { createOpenResponses } from '@ai-sdk/open-responses';
import { embedMany, generateText, streamText } from 'ai';
import OpenAI from 'openai';

const { DOCENT_URL: url, DOCENT_CUT_URL: cutUrl, DOCENT_KEY: apiKey } = process.env;
const baseURL = `${url}/v1`;
const question = 'How long are ledger backups kept?';
const backups = 'sample-docs/handbook/backups.md';
const messages = [{ role: 'user', content: question }];
const model = 'docent';

const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const openai = createOpenAI({ baseURL, apiKey });
const compatible = createOpenAICompatible({ name: 'docent', baseURL, apiKey, includeUsage: true });
const open = createOpenResponses({ name: 'docent', url: `${baseURL}/responses`, apiKey });

function cited(text, { start_index, end_index, url: link, title }) {
  assert.equal(text.slice(start_index, start_index + 1), '[');
  assert.equal(text.slice(end_index - 1, end_index), ']');
  assert(link.startsWith(url) && title.includes(backups), `${link} ${title}`);
}

/** What a model of the AI SDK generates and streams. */
async function generates(of, { sources = 0, options = {} } = {}) {
  const whole = await generateText({ model: of, prompt: question, maxRetries: 0, ...options });
  assert.match(whole.text, /400 days/);
  assert(whole.sources.length >= sources, JSON.stringify(whole.sources));
  const errors = [];
  const stream = streamText({
    model: of, prompt: question, maxRetries: 0, ...options,
    onError: ({ error }) => errors.push(error),
  });
  let text = '';
  for await (const piece of stream.textStream) text += piece;
  assert.deepEqual(errors, []);
  assert.equal(text, whole.text);
  assert((await stream.sources).length >= sources);
  return whole;
}

const checks = {
  async openai_models() {
    const ids = [];
    for await (const one of client.models.list()) ids.push(one.id);
    assert.deepEqual(ids, ['docent/docent']);
    assert.equal((await client.models.retrieve('docent/docent')).id, 'docent/docent');
  },
  async openai_chat_create() {
    const { choices } = await client.chat.completions.create({ model, messages });
    assert.match(choices[0].message.content, /400 days/);
    cited(choices[0].message.content, choices[0].message.annotations[0].url_citation);
  },
  async openai_chat_create_stream() {
    const stream = await client.chat.completions.create({
      model, messages, stream: true, stream_options: { include_usage: true },
    });
    let text = '';
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    assert.match(text, /400 days/);
  },
  async openai_chat_stream_helper() {
    const stream = client.chat.completions.stream({ model, messages });
    const { choices } = await stream.finalChatCompletion();
    assert.match(choices[0].message.content, /400 days/);
  },
  async openai_responses_create() {
    const response = await client.responses.create({
      model, input: question, include: ['file_search_call.results'],
      tools: [{ type: 'file_search', vector_store_ids: ['vs_docent'] }],
    });
    assert.match(response.output_text, /400 days/);
    assert.equal(response.output[0].results[0].filename, backups);
    cited(response.output_text, response.output[1].content[0].annotations[1]);
  },
  async openai_responses_stream_helper() {
    const stream = client.responses.stream({ model, input: question });
    const kinds = [];
    for await (const event of stream) kinds.push(event.type);
    const response = await stream.finalResponse();
    assert.match(response.output_text, /400 days/);
    assert.equal(kinds.at(-1), 'response.completed');
  },
  async openai_vector_stores() {
    const found = [];
    const query = { query: question, max_num_results: 3 };
    for await (const one of client.vectorStores.search('vs_docent', query)) found.push(one);
    assert.equal(found[0].filename, backups);
    const files = [];
    for await (const file of client.vectorStores.files.list('vs_docent', { limit: 7 })) files.push(file.id);
    const { file_counts } = await client.vectorStores.retrieve('vs_docent');
    assert.equal(new Set(files).size, file_counts.total);
  },
  async openai_embeddings() {
    const { data } = await client.embeddings.create({ model, input: ['ledger backups', 'tides'] });
    const { data: [floats] } =
      await client.embeddings.create({ model, input: 'tides', encoding_format: 'float' });
    assert.equal(data[1].embedding.length, floats.embedding.length);
    data[1].embedding.forEach((value, at) => assert(Math.abs(value - floats.embedding[at]) < 1e-6));
  },
  async openai_error_is_told() {
    await assert.rejects(client.chat.completions.create({ model: 'gpt-4o', messages }), (error) => {
      assert.equal(error.status, 404);
      assert.equal(error.code, 'model_not_found');
      return true;
    });
  },
  async openai_answers_that_are_cut_off() {
    const other = new OpenAI({ baseURL: `${cutUrl}/v1`, apiKey, maxRetries: 0 });
    const stream = await other.chat.completions.create({ model, messages, stream: true });
    await assert.rejects(async () => {
      for await (const _ of stream);
    }, OpenAI.APIError);
    const kinds = [];
    const events = await other.responses.create({ model, input: question, stream: true });
    for await (const event of events) kinds.push(event.type);
    assert.equal(kinds.at(-1), 'response.failed');
    assert(kinds.includes('response.output_text.delta'));
  },
  async ai_sdk_answers_that_are_cut_off() {
    const options = { baseURL: `${cutUrl}/v1`, apiKey };
    const models = {
      responses: createOpenAI(options).responses(model),
      chat: createOpenAI(options).chat(model),
      compatible: createOpenAICompatible({ name: 'docent', ...options })(model),
      open: createOpenResponses({ name: 'docent', url: `${cutUrl}/v1/responses`, apiKey })(model),
    };
    for (const [name, of] of Object.entries(models)) {
      const errors = [];
      const onError = ({ error }) => errors.push(error);
      const stream = streamText({ model: of, prompt: question, maxRetries: 0, onError });
      const kinds = [];
      let reason;
      for await (const part of stream.fullStream) {
        kinds.push(part.type);
        reason = part.finishReason ?? reason;
      }
      assert(errors.length > 0 || reason === 'error', `${name}: ${kinds}, ${reason}`);
    }
  },
  async ai_sdk_openai_responses() {
    const tools = { file_search: openai.tools.fileSearch({ vectorStoreIds: ['vs_docent'] }) };
    const options = { providerOptions: { openai: { store: false } }, tools };
    const { sources } = await generates(openai.responses(model), { sources: 2, options });
    assert(sources.some((source) => source.url?.startsWith(url)), JSON.stringify(sources));
  },
  async ai_sdk_openai_chat() {
    await generates(openai.chat(model), { sources: 1 });
  },
  async ai_sdk_openai_embeddings() {
    const { embeddings } =
      await embedMany({ model: openai.embedding(model), values: ['ledger', 'tides'] });
    assert.equal(embeddings.length, 2);
  },
  async ai_sdk_openai_compatible() {
    await generates(compatible(model));
  },
  async ai_sdk_open_responses() {
    await generates(open(model));
  },
  // As a web page does it: the key is among the protocols that are offered.
  async websocket_chat() {
    const socket =
      new WebSocket(`${url.replace('http', 'ws')}/v1/docent/chat`, ['docent', `docent.key.${apiKey}`]);
    const done = await new Promise((resolve, reject) => {
      socket.onopen = () => socket.send(JSON.stringify({ type: 'question', question }));
      socket.onerror = ({ message }) => reject(new Error(message));
      socket.onmessage = ({ data }) => {
        const event = JSON.parse(data);
        if (['done', 'error'].includes(event.event)) resolve(event);
      };
    });
    assert.equal(socket.protocol, 'docent');
    assert.match(done.answer, /400 days/);
    socket.close();
  },
};

const versions = ['openai', 'ai', '@ai-sdk/openai', '@ai-sdk/openai-compatible', '@ai-sdk/open-responses'];
const version = (name) =>
  JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version;
console.log(versions.map((name) => `${name} ${version(name)}`).join(', '), 'on node', process.version);
let failed = false;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`ok      ${name}`);
  } catch (error) {
    failed = true;
    console.log(`FAILED  ${name}`);
    console.error(error);
  }
}
process.exit(failed ? 1 : 0);
