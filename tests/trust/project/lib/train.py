import subprocess
import sys

import only_train

assert only_train.X
subprocess.run([sys.executable, "lib/grandchild.py"], check=True)
