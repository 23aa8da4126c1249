import boto3

def lambda_handler(event, context):
    # 获取触发器的事件
    trigger_event = event['trigger_event']

    # 根据触发器的事件执行相应的操作
    if trigger_event == 'http_request':
        # 处理HTTP请求
        response = {
            'statusCode': 200,
            'body': 'Hello, Serverless!'
        }
    else:
        # 处理其他事件
        response = {
            'statusCode': 400,
            'body': 'Unsupported event'
        }

    # 返回响应
    return response
