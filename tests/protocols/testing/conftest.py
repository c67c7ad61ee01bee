import sys
from pathlib import Path

# the table of faulty rules is imported by several test files
sys.path.insert(0, str(Path(__file__).parent))
