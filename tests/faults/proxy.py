"""The proxy and its faults, under the name that they had before the kit took them over."""

from lab_workbook_conformance.s3.faults import *  # noqa: F403
from lab_workbook_conformance.s3.proxy import Exchange, Proxy  # noqa: F401
