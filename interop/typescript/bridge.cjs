// Carries calls of typescript_sdk.py to the TypeScript SDK: one JSON object per line in, one per line out.
//
//   {"client": "token", "call": "dns.records.create", "arguments": [...]}   -> {"result": ...}
//   {"client": "key", "call": "zones.list", "arguments": [...], "all": true} -> {"result": [...]}, the SDK's own pages
//   a failed call -> {"error": {"name": ..., "status": ..., "codes": [...]}}
//
// Called with the API's address, a token, an email address and a key in WAYMARK_API_BASE, _TOKEN, _EMAIL and _KEY.
"use strict";
const readline = require("node:readline");
const Cloudflare = require("cloudflare");

const { WAYMARK_API_BASE: baseURL, WAYMARK_TOKEN, WAYMARK_EMAIL, WAYMARK_KEY } = process.env;
// null, not undefined: undefined is read from the environment. Without retries, one call is one request.
const clients = {
    token: new Cloudflare({ baseURL, apiToken: WAYMARK_TOKEN, apiEmail: null, apiKey: null, maxRetries: 0 }),
    key: new Cloudflare({ baseURL, apiToken: null, apiEmail: WAYMARK_EMAIL, apiKey: WAYMARK_KEY, maxRetries: 0 }),
    stranger: new Cloudflare({ baseURL, apiToken: "x".repeat(40), apiEmail: null, apiKey: null, maxRetries: 0 }),
};

async function carry({ client, call, arguments: given, all }) {
    const path = call.split(".");
    const method = path.pop();
    const resource = path.reduce((object, name) => object[name], clients[client]);
    const answer = resource[method](...given);
    if (!all) return { result: (await answer) ?? null };
    const result = [];
    for await (const item of answer) result.push(item);
    return { result };
}

async function main() {
    for await (const line of readline.createInterface({ input: process.stdin })) {
        const answer = await carry(JSON.parse(line)).catch((error) => ({
            error: {
                name: error.constructor.name, status: error.status ?? null, message: String(error),
                codes: (error.errors ?? []).map((entry) => entry.code),
            },
        }));
        process.stdout.write(JSON.stringify(answer) + "\n");
    }
}

main();
