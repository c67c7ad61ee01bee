import sys
from pathlib import Path

# tiny_sweeps.py is shared by several test files
sys.path.insert(0, str(Path(__file__).parent))
