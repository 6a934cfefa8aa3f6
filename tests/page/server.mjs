// docent to be asked by the page, with a chat model that says what it is told to.

import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const REPOSITORY = join(import.meta.dirname, '../..');
const DOCENT = process.env.DOCENT ?? join(REPOSITORY, 'target/release/docent');

// A document that tries everything.
const HOSTILE = `# Zebra <img src=x onerror="alert('heading')">

The zebra quota is 77 crates. <script>alert('script')</script><img src=x onerror=alert('image')>
"><svg onload=alert('svg')> </div></section><iframe src="javascript:alert('frame')"></iframe>
Its colour is \u001b[31mred\u001b[0m, its file is \u202Egpj.exe and [a link](javascript:alert('link')).
`;

// What the model says to a question that has the word.
const SAYS = {
  unsupported: 'Ledger backups are kept for **400 days** [1]. They weigh 9,000 tonnes [1]. Nobody has ever counted the moons of it.',
  markdown: '### Backups\n\n- Ledger: 400 days [1]\n- Staging: `14 days` [1]\n\n| What | Days |\n| --- | --- |\n| WAL | 35 [1] |\n\n```\nrestore --to <b>now</b>\n```\n\n![x](http://tracker.invalid/p.png) <img src=x onerror=alert(1)>',
  refuse: 'NO_ANSWER',
};

export class Docent {
  // A project with the samples, a table and the hostile document, stored.
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), 'docent-page-'));
    this.project = join(this.folder, 'project');
    this.running = [];
    mkdirSync(join(this.folder, 'home'));
    cpSync(join(REPOSITORY, 'sample-docs'), join(this.project, 'sample-docs'), { recursive: true });
    writeFileSync(join(this.project, 'sample-docs/hostile.md'), HOSTILE);
    const rows = Array.from({ length: 400 }, (_, row) => `part ${row},colour ${row * 7},${row * 3} euros`);
    writeFileSync(join(this.project, 'sample-docs/prices.csv'), ['part,colour,price', ...rows].join('\n'));
    this.run('ingest', 'sample-docs');
  }

  environment(more = {}) {
    return { HOME: join(this.folder, 'home'), PATH: process.env.PATH, OLLAMA_HOST: '127.0.0.1:1', ...more };
  }

  run(...args) {
    return execFileSync(DOCENT, args, { cwd: this.project, env: this.environment(), encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  // Begins to serve; the URL of the page.
  async serve(args = [], environment = {}) {
    const server = spawn(DOCENT, ['serve', '--listen', '127.0.0.1:0', ...args], { cwd: this.project, env: this.environment(environment), stdio: ['ignore', 'pipe', 'pipe'] });
    this.running.push(server);
    let said = '';
    server.stderr.on('data', text => { said += text; });
    return new Promise((done, failed) => {
      let line = '';
      server.stdout.on('data', text => {
        line += text;
        if (line.includes('\n')) done(`${JSON.parse(line.split('\n')[0]).listening[0]}/`);
      });
      server.once('exit', code => failed(new Error(`docent serve ended with ${code}\n${said}`)));
    });
  }

  stop() {
    this.running.forEach(server => { server.removeAllListeners('exit'); server.kill(); });
    rmSync(this.folder, { recursive: true, force: true });
  }
}

// A chat model; `left` counts who hung up before the end, and it answers nobody while it `refuses`.
export async function model() {
  const model = { left: 0, refuses: false };
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    if (model.refuses) {
      response.writeHead(401, { 'content-type': 'application/json' });
      response.end('{"error":{"message":"no such key"}}');
      return;
    }
    const { messages } = JSON.parse(body);
    const asked = messages.at(-1).content;
    const word = Object.keys(SAYS).findLast(word => asked.includes(word));
    const text = word ? SAYS[word] : 'Slowly, and in many words, it says very little [1]. '.repeat(200);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.on('close', () => { if (!response.writableFinished) model.left += 1; });
    const send = (delta, finish_reason = null) => response.write(`data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 1, model: 'scripted', choices: [{ index: 0, delta, finish_reason }] })}\n\n`);
    for (const piece of text.match(/\S+\s*/g)) {
      if (response.destroyed) return;
      send({ content: piece });
      await new Promise(done => setTimeout(done, 15));
    }
    send({}, 'stop');
    response.end('data: [DONE]\n\n');
  });
  await new Promise(done => server.listen(0, '127.0.0.1', done));
  model.url = `http://127.0.0.1:${server.address().port}/v1`;
  model.stop = () => server.close();
  return model;
}
