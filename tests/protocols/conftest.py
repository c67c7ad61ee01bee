import sys
from pathlib import Path

# small_runs.py and official_files.py are shared by the folders below
sys.path.insert(0, str(Path(__file__).parent))
