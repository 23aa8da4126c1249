// A Node function as a CommonJS module: what `exports.handler` returns is the response.
//
//     curl -d '{"numbers": [3, 4]}' http://127.0.0.1:8080/sum
exports.handler = async (event) => {
  let numbers;
  try {
    ({ numbers } = JSON.parse(event.body ?? ''));
    if (!numbers.every(Number.isFinite)) throw new TypeError('not a number');
  } catch (error) {
    return { statusCode: 400, body: JSON.stringify({ message: `send {"numbers": [..]}: ${error.message}` }) };
  }
  const sum = numbers.reduce((total, number) => total + number, 0);
  return {
    statusCode: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sum, requestId: event.requestContext?.requestId }),
  };
};
