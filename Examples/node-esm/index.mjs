// A Node function as an ES module. A response without a statusCode is sent as JSON with status 200.
//
//     curl http://127.0.0.1:8080/time/Europe/Berlin
const started = new Date();  // once for each instance

export const handler = async (event, context) => {
  const zone = event.pathParameters?.zone ?? 'UTC';
  try {
    return {
      zone,
      time: new Date().toLocaleTimeString('en-GB', { timeZone: zone }),
      instanceStarted: started.toISOString(),
      remainingMilliseconds: context.getRemainingTimeInMillis(),
    };
  } catch (error) {
    return { statusCode: 404, body: `no time zone ${zone}\n`, headers: { 'content-type': 'text/plain' } };
  }
};
