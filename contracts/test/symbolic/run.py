#!/usr/bin/env python3
"""Runs halmos over the symbolic checks of this folder: from `contracts/`, `python test/symbolic/run.py`.

Needs halmos 0.3.3 (PyPI) in the interpreter's environment and the tools of `make setup`. halmos 0.3.3 declares its
model of SHA-256 over the wrong width and lets it collide. The checks need a function without collisions and no more,
so SHA-256 is given halmos's own model of keccak, which is one. Nothing is written into the installed package.
"""

import importlib.util
import pathlib
import re
import subprocess
import sys
import types

# From the declaration of the function of the wrong width up to the answer that is made of it.
BROKEN = re.compile(r"^ +f_sha256 = .*?^ +ret = [^\n]*f_sha256[^\n]*\n", re.DOTALL | re.MULTILINE)
FIXED = """                ret = ByteVec(ex.sha3_data(arg.unwrap()))
"""


def load_fixed_sevm():
    spec = importlib.util.find_spec("halmos.sevm")
    source = pathlib.Path(spec.origin).read_text(encoding="utf-8")
    fixed, found = BROKEN.subn(FIXED, source)
    if found != 1:
        sys.exit("this runner knows halmos 0.3.3 only")
    module = types.ModuleType("halmos.sevm")
    module.__file__, module.__package__, module.__spec__ = spec.origin, "halmos", spec
    sys.modules["halmos.sevm"] = module
    exec(compile(fixed, spec.origin, "exec"), module.__dict__)


def main():
    # halmos reads what forge has built, syntax trees too.
    subprocess.run(["node", "forge.js", "build", "--ast"], check=True)
    load_fixed_sevm()
    from halmos.__main__ import _main

    options = ["--match-contract", "^Check", "--loop", "64", "--solver-timeout-assertion", "0"]
    return _main(options + sys.argv[1:]).exitcode


if __name__ == "__main__":
    sys.exit(main())
