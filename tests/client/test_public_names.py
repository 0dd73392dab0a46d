"""What `import hirehall` gives, and costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import hirehall


@pytest.mark.parametrize("name", hirehall.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(hirehall, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = hirehall.nonsense


def test_importing_the_package_loads_nothing_else_and_a_client_not_the_workers_half() -> None:
    code = (
        "import sys, hirehall\n"
        "assert 'msgspec' not in sys.modules and 'asyncio' not in sys.modules\n"
        "hirehall.connect_async\n"
        "loaded = [m for m in sys.modules if m.startswith(('hirehall.', 'psutil', 'apsw'))]\n"
        "ours = ('hirehall.worker', 'hirehall.runners', 'psutil', 'apsw')\n"
        "assert not [m for m in loaded if m.startswith(ours)], loaded\n"
        "assert 'hirehall.core' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
