/** A small client for the Ledger API, version 2. */

import { randomUUID } from "node:crypto";

/** How long one request may take before it is given up, in milliseconds. */
export const REQUEST_TIMEOUT_MS = 20_000;

/** How often a request is repeated after a failure that may pass. */
export const MAX_RETRIES = 3;

export interface Line {
  account: string;
  /** In the currency's minor unit; debits are positive, credits negative. */
  amount: number;
}

export interface NewTransaction {
  effectiveDate: string;
  currency: string;
  description: string;
  lines: Line[];
}

export class LedgerError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly requestId: string,
  ) {
    super(`${code}: ${message} (request ${requestId})`);
  }
}

export class LedgerClient {
  private token: string | undefined;

  constructor(
    private readonly apiKey: string,
    private readonly baseUrl = "https://api.ledger.example",
  ) {}

  /** Posts a transaction. The idempotency key is made once, so that a repeat cannot post twice. */
  async post(transaction: NewTransaction): Promise<string> {
    assertBalanced(transaction.lines);
    const key = randomUUID();
    const answer = await this.send("POST", "/v2/transactions", transaction, key);
    return answer.id as string;
  }

  /** Walks through all transactions, page by page, 500 at a time. */
  async *list(): AsyncGenerator<Record<string, unknown>> {
    let cursor: string | undefined;
    do {
      const query = cursor ? `?limit=500&cursor=${cursor}` : "?limit=500";
      const page = await this.send("GET", `/v2/transactions${query}`);
      yield* page.items as Record<string, unknown>[];
      cursor = page.next as string | undefined;
    } while (cursor);
  }

  /** Sends a request; refreshes the token when it has expired, and waits when told to slow down. */
  private async send(method: string, path: string, body?: unknown, key?: string) {
    for (let attempt = 0; ; attempt++) {
      this.token ??= await this.fetchToken();
      const response = await fetch(this.baseUrl + path, {
        method,
        headers: {
          Authorization: `Bearer ${this.token}`,
          "Content-Type": "application/json",
          ...(key ? { "Idempotency-Key": key } : {}),
        },
        body: body ? JSON.stringify(body) : undefined,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      const json = await response.json();
      if (response.ok) return json;
      if (attempt >= MAX_RETRIES) throw new LedgerError(json.code, json.message, json.request_id);
      if (json.code === "LGR-4012") this.token = undefined;
      else if (json.code === "LGR-4290") await pause(retryAfter(response));
      else throw new LedgerError(json.code, json.message, json.request_id);
    }
  }

  private async fetchToken(): Promise<string> {
    const response = await fetch(`${this.baseUrl}/oauth/token`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ api_key: this.apiKey }),
    });
    return (await response.json()).access_token;
  }
}

/** Fails early, before a request is made, when the lines do not sum to zero. */
export function assertBalanced(lines: Line[]): void {
  const sum = lines.reduce((total, line) => total + line.amount, 0);
  if (sum !== 0) throw new Error(`lines sum to ${sum}, not to 0`);
}

/** Seconds from the Retry-After header, or one second when the header is missing. */
function retryAfter(response: Response): number {
  return Number(response.headers.get("Retry-After") ?? 1);
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
