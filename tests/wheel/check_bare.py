"""Run by the session ``wheel`` in an environment that has nothing but the wheel."""

import subprocess
import sys
from importlib.resources import files

import regards_order
import regards_order.testing

missing = [name for name in regards_order.__all__ if not hasattr(regards_order, name)]
assert not missing, missing
heavy = {"sqlalchemy", "alembic", "starlette", "pika", "hypothesis", "pytest", "lxml", "zipstream", "cattrs", "orjson"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
for package in ("regards_order", "regards_order_adapters"):
    assert (files(package) / "py.typed").is_file(), package
assert (files("regards_order_adapters") / "sample" / "catalogue.ndjson").is_file()
for name in ("layout.html", "en/ORDER_CREATED_TEMPLATE.html", "fr/ASIDE_ORDERS_NOTIFICATION_TEMPLATE.txt"):
    assert (files("regards_order_adapters") / "mail" / "templates" / name).is_file(), name
assert (files("regards_order_adapters") / "sql" / "migrations" / "versions" / "m0001_first.py").is_file()

for command in ([sys.executable, "-m", "regards_order_adapters"], ["regards-order"]):
    if command[0] == "regards-order":
        command = [sys.executable.replace("python", "regards-order")]
    done = subprocess.run([*command, "demo"], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done
    assert "needs the extra 'cli'" in done.stderr or "needs the extra 'sql'" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
sys.stdout.write("the bare wheel works\n")
