// The clients for JavaScript, of both eras, unmodified, against a docent that serves sample-docs.

import assert from 'node:assert/strict';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as LegacyStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as LegacyHttp } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const { MCP_DOCENT: command, MCP_URL: url, MCP_KEY: key } = process.env;
const question = 'How long are ledger backups kept?';
const backups = 'sample-docs/handbook/backups.md';
const who = { name: 'checks', version: '1' };
const stdio = { command, args: ['mcp'], env: process.env };
const http = [new URL(`${url}/mcp`), { requestInit: { headers: { authorization: `Bearer ${key}` } } }];

const checks = {
  'client over stdio': [Client, () => new StdioClientTransport(stdio)],
  'client over HTTP': [Client, () => new StreamableHTTPClientTransport(...http)],
  'sdk over stdio': [LegacyClient, () => new LegacyStdio(stdio)],
  'sdk over HTTP': [LegacyClient, () => new LegacyHttp(...http)],
};

async function uses(client) {
  const { tools } = await client.listTools();
  assert.deepEqual(tools.map((tool) => tool.name), ['search', 'fetch', 'ask', 'status']);
  const found = await client.callTool({ name: 'search', arguments: { query: question } });
  assert.deepEqual(JSON.parse(found.content[0].text), found.structuredContent);
  const read = await client.callTool({ name: 'fetch', arguments: { id: backups } });
  assert.match(read.structuredContent.text, /400 days/);
  const answer = await client.callTool({ name: 'ask', arguments: { question } });
  assert.ok(answer.structuredContent.citations[0].verified);
  const wrong = await client.callTool({ name: 'search', arguments: { colour: 'red' } });
  assert.ok(wrong.isError);
  const { contents } = await client.readResource({ uri: `docent://docent/${backups}` });
  assert.match(contents[0].text, /400 days/);
  const { prompts } = await client.listPrompts();
  assert.equal(prompts.length, 2);
}

let failed = false;
for (const [name, [Kind, transport]] of Object.entries(checks)) {
  const client = new Kind(who);
  try {
    await client.connect(transport());
    await uses(client);
    console.log(`ok      ${name}`);
  } catch (error) {
    failed = true;
    console.log(`FAILED  ${name}\n${error.stack}`);
  } finally {
    await client.close().catch(() => {});
  }
}
process.exit(failed ? 1 : 0);
