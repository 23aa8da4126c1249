// The handler of functions/server.js.
export const handler = async (event) => ({ statusCode: 200, body: 'Hello' });
