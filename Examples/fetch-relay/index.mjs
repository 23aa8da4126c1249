// Asks another service with the request's body, and answers what it says.
//
// The article's code imports what the 'https' module does not have, compares a path without its first slash with one
// that has it, and sends a promise. This is what it means, for a function that is given an event.
//
// It is no part of the tour; as `functions: { relay: { handler: Examples/fetch-relay/index.mjs:handler } }` with a route
// `{ path: /relay, methods: [POST], function: relay }` in a routes.yaml, try
//
//     curl -d 'penstock' http://127.0.0.1:8080/relay
const service = process.env.SERVICE ?? 'http://127.0.0.1:9000/search';

export const handler = async (event) => {
  const body = event.isBase64Encoded ? Buffer.from(event.body, 'base64').toString() : event.body;
  if (!body) return { statusCode: 400, body: 'send what to look for\n' };

  try {
    const result = await fetch(`${service}?q=${encodeURIComponent(body)}`);
    return {
      statusCode: 200,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(await result.json()),
    };
  } catch (error) {
    console.error(error);
    return { statusCode: 500, body: 'Internal server error' };
  }
};
