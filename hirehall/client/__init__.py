"""Handing in jobs: one sans-IO session, a thin asyncio shell and a thin blocking one."""
