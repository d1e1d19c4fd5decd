#!/usr/bin/env python3
"""Runs halmos over the symbolic checks of this folder: from `contracts/`, `python test/symbolic/run.py`.

Needs halmos 0.3.3 (PyPI) in the interpreter's environment and the pinned forge on the path. halmos 0.3.3 declares its
model of SHA-256 over the wrong width and lets it collide. The checks need a function without collisions and no more,
so SHA-256 is given halmos's own model of keccak, which is one. Nothing is written into the installed package.
"""

import importlib.util
import pathlib
import subprocess
import sys
import types

BROKEN = """                f_sha256 = Function(
                    f"f_sha256_{arg_size}", BitVecSorts[arg_size], BitVecSort256
                )

                unwrapped = arg.unwrap()
                wrapped = (
                    unwrapped if is_bv(unwrapped) else bytes_to_bv_value(unwrapped)
                )
                ret = ByteVec(f_sha256(wrapped))
"""
FIXED = """                ret = ByteVec(ex.sha3_data(arg.unwrap()))
"""


def load_fixed_sevm():
    spec = importlib.util.find_spec("halmos.sevm")
    source = pathlib.Path(spec.origin).read_text(encoding="utf-8")
    if source.count(BROKEN) != 1:
        sys.exit("this runner knows halmos 0.3.3 only")
    module = types.ModuleType("halmos.sevm")
    module.__file__, module.__package__, module.__spec__ = spec.origin, "halmos", spec
    sys.modules["halmos.sevm"] = module
    exec(compile(source.replace(BROKEN, FIXED), spec.origin, "exec"), module.__dict__)


def main():
    # halmos reads what forge has built, syntax trees too; linting is no part of that.
    subprocess.run(["forge", "build", "--ast", "--no-lint"], check=True)
    load_fixed_sevm()
    from halmos.__main__ import _main

    options = ["--match-contract", "^Check", "--loop", "64", "--solver-timeout-assertion", "0"]
    return _main(options + sys.argv[1:]).exitcode


if __name__ == "__main__":
    sys.exit(main())
