"""``python -m lab_workbook_conformance``."""

import sys

from lab_workbook_conformance.certify import main

sys.exit(main())
