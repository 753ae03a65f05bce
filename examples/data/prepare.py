"""
Unpack digits.csv from a scikit-learn wheel, and check that it is the file we mean.

    pip download --no-deps scikit-learn==1.9.1
    python examples/data/prepare.py scikit_learn-1.9.1-*.whl
"""

import gzip
import hashlib
import os
import sys
import zipfile

MEMBER = "sklearn/datasets/data/digits.csv.gz"
SHA256 = "6ebb3d2fee246a4e99363262ddf8a00a3c41bee6014c373ed9d9216ba7f651b8"


def main(wheel):
    with zipfile.ZipFile(wheel) as archive:
        content = gzip.decompress(archive.read(MEMBER))
    if hashlib.sha256(content).hexdigest() != SHA256:
        sys.exit(f"{MEMBER} of {wheel} is not the file that data/README.md describes")
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "digits.csv"), "wb") as file:
        file.write(content)


if __name__ == "__main__":
    main(sys.argv[1])
