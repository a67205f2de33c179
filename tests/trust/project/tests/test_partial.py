"""What no trace can see: the record says so, and every file of the project counts."""

import os
import subprocess
import sys


def test_partial():
    subprocess.run(["cat", "data/catted.txt"], check=True)
    subprocess.run([sys.executable, "-I", "-c", "open('data/isolated.txt')"], check=True)
    assert os.system("cat data/shelled.txt") == 0
