from hirehall import job


@job
def resize(payload):
    return {"file": payload["file"], "width": 100}


@job
async def greet(payload, context):
    context.progress(50, "half of the greeting")
    return f"hello, {payload}"
