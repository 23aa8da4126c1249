import json

def lambda_handler(event, context):
    request_body = json.loads(event['body'])
    name = request_body['name']
    response = {
        'statusCode': 200,
        'body': json.dumps(f'Hello, {name}!')
    }
    return response
