import gzip

from hirehall import job


@job
def pack(payload, context):
    for name, path in context.files.items():
        (context.out / f"{name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    return sorted(context.files)
